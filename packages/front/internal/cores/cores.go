// Package cores says how many processors may compress.
package cores

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// most is where one reader and one writer of an archive become what everybody waits for.
const most = 8

// Limit is where a version of cgroups says how much processor time the container may use, in microseconds.
type Limit struct {
	// Quota holds quota and period (cgroup v2), or the quota alone (v1).
	Quota string
	// Period is empty when Quota holds both.
	Period string
}

// Threads is how many processors may compress: as many as the operator says, or those the container has, up to a
// number beyond which more do not help.
func Threads(wanted int, limits []Limit) int {
	if wanted > 0 {
		return wanted
	}
	return min(Allowed(limits), most)
}

// Allowed is how many processors the container may keep busy: those its affinity leaves it, and no more than its limit, of
// which a part of one counts as one. (The Go runtime has read limits itself since 1.25, for modules of that version.)
func Allowed(limits []Limit) int {
	available := runtime.NumCPU()
	for _, limit := range limits {
		if cores, ok := limit.read(); ok {
			return max(min(int(math.Ceil(cores)), available), 1)
		}
	}
	return available
}

// read fails where the files are not there, and where they say that there is no limit: `max` (v2) or -1 (v1).
func (l Limit) read() (cores float64, ok bool) {
	quota, period := readFields(l.Quota), readFields(l.Period)
	if l.Period == "" && len(quota) == 2 {
		quota, period = quota[:1], quota[1:]
	}
	if len(quota) != 1 || len(period) != 1 {
		return 0, false
	}
	used, err := strconv.ParseFloat(quota[0], 64)
	if err != nil || used <= 0 {
		return 0, false
	}
	of, err := strconv.ParseFloat(period[0], 64)
	if err != nil || of <= 0 {
		return 0, false
	}
	return used / of, true
}

func readFields(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}
