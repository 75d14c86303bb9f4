package outputs

import (
	"os"
	"strconv"
	"strings"

	"github.com/skein/front/internal/pargzip"
)

// workers is how many of those processors that may compress do so, as far as the container's memory allows. The user's
// process has ended, but its page cache and tmpfs files still count, so no more than a quarter of the limit is used.
func workers(processors int, limitFiles []string) int {
	count := processors
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
