package process

import (
	"syscall"
	"testing"
)

func TestSignalNames(t *testing.T) {
	for number, want := range map[syscall.Signal]string{
		syscall.SIGHUP: "SIGHUP", syscall.SIGTERM: "SIGTERM", syscall.SIGSYS: "SIGSYS", 34: "SIG34", 0: "SIG0",
	} {
		if got := SignalName(number); got != want {
			t.Errorf("SignalName(%d) = %s, want %s", number, got, want)
		}
	}
}

func TestOnlySignalsThatAskForTheEndKeepAProcessFromStarting(t *testing.T) {
	for number, want := range map[syscall.Signal]bool{
		syscall.SIGTERM: true, syscall.SIGKILL: true, syscall.SIGINT: true, syscall.SIGQUIT: true,
		syscall.SIGHUP: false, syscall.SIGUSR1: false, syscall.SIGWINCH: false,
	} {
		if Ends(number) != want {
			t.Errorf("Ends(%v) is not %v", number, want)
		}
	}
}
