package outputs

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/skein/front/internal/pargzip"
)

// maxWorkers is where one reader and one writer of the archive become what everybody waits for.
const maxWorkers = 8

// workers is how many processors may compress: those the container has, as far as its memory allows. The user's
// process has ended, but its page cache and tmpfs files still count, so no more than a quarter of the limit is used.
func workers(limitFiles []string) int {
	count := min(runtime.GOMAXPROCS(0), maxWorkers)
	for _, path := range limitFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// "max" of cgroup v2 is no number and no limit.
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
			count = min(count, int(limit/4/pargzip.WorkerBytes))
		}
	}
	return max(count, 1)
}
