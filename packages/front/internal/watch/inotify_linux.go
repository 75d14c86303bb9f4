package watch

import (
	"os"
	"syscall"
)

// Not IN_MODIFY: a container that prints a lot would wake everyone who waits for its exit code.
const interesting = syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_CLOSE_WRITE

// notify reports changes in the directories. The channel holds one value, however many changes there were.
func notify(directories []string) (changes <-chan struct{}, stop func(), err error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, nil, os.NewSyscallError("inotify_init1", err)
	}
	// The runtime's poller takes a file that does not block, so that waiting for it takes no thread.
	file := os.NewFile(uintptr(fd), "inotify")
	for _, directory := range directories {
		if _, err := syscall.InotifyAddWatch(fd, directory, interesting); err != nil {
			file.Close()
			return nil, nil, os.NewSyscallError("inotify_add_watch", err)
		}
	}
	notifications := make(chan struct{}, 1)
	go func() {
		// What the events say does not matter: whoever waits looks for itself.
		buffer := make([]byte, 4096)
		for {
			if _, err := file.Read(buffer); err != nil {
				return
			}
			select {
			case notifications <- struct{}{}:
			default:
			}
		}
	}()
	// The kernel takes some 10 ms to let go of an inotify instance, and nobody has to wait for that.
	return notifications, func() { go file.Close() }, nil
}
