package process

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// names has those of Linux on every architecture we build for; the syscall package only has descriptions.
var names = [...]string{
	1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
	9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
	16: "SIGSTKFLT", 17: "SIGCHLD", 18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP", 21: "SIGTTIN", 22: "SIGTTOU",
	23: "SIGURG", 24: "SIGXCPU", 25: "SIGXFSZ", 26: "SIGVTALRM", 27: "SIGPROF", 28: "SIGWINCH", 29: "SIGIO",
	30: "SIGPWR", 31: "SIGSYS",
}

// SignalName is the name of a signal as in signal(7); a real-time one is given by its number.
func SignalName(number syscall.Signal) string {
	if number > 0 && int(number) < len(names) {
		return names[number]
	}
	return "SIG" + strconv.Itoa(int(number))
}

// maxSignal is the last of Linux' real-time signals.
const maxSignal = 64

// NotifyAll subscribes to every signal that is for the user's process: not SIGCHLD, which is ours, not SIGURG, by
// which the Go runtime preempts itself. The channel is deep, for Go drops what does not fit.
func NotifyAll() <-chan os.Signal {
	notifications := make(chan os.Signal, 4*maxSignal)
	var wanted []os.Signal
	for number := syscall.Signal(1); number <= maxSignal; number++ {
		if number != syscall.SIGCHLD && number != syscall.SIGURG {
			wanted = append(wanted, number)
		}
	}
	signal.Notify(notifications, wanted...)
	return notifications
}

// SignalGroup signals the process group led by pid, or, when there is none, the process.
func SignalGroup(pid int, number syscall.Signal) error {
	if err := syscall.Kill(-pid, number); err == nil {
		return nil
	}
	return syscall.Kill(pid, number)
}

// Ends says whether a signal asks a process to end, so that there is no point in starting it (again).
func Ends(number syscall.Signal) bool {
	switch number {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL:
		return true
	}
	return false
}
