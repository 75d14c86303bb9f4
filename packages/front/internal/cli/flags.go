package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// flags are those of the front. Every command takes them in any place before "--"; controllers of older releases leave
// some out.
type flags struct {
	logLevel  string
	logFormat string
	short     bool
}

// valueFlags take a value: ours, then kubectl's, which the controller may append to any command (contract §2.1) and
// which only mean something to the core.
var valueFlags = []string{
	"--loglevel", "--log-format", "--gloglevel",
	"--kubeconfig", "--as", "--as-group", "--as-uid", "--certificate-authority", "--client-certificate", "--client-key",
	"--cluster", "--context", "--namespace", "-n", "--password", "--proxy-url", "--request-timeout", "--server",
	"--tls-server-name", "--token", "--user", "--username",
}

// switches take none, or one after "=".
var switches = []string{"--short", "--insecure-skip-tls-verify", "--disable-compression"}

// subcommand finds the first argument that is neither a flag nor a flag's value, and gives the others in their order.
// Whoever asks for help gets it, whatever else is there. Flags it does not know are the core's to judge.
func subcommand(arguments []string) (name string, others []string) {
	// The only command with flags, and a help, of its own.
	if len(arguments) > 0 && arguments[0] == "doctor" {
		return arguments[0], arguments[1:]
	}
	at := -1
	for i := 0; i < len(arguments) && arguments[i] != "--"; i++ {
		switch argument := arguments[i]; {
		case argument == "--help" || argument == "-h":
			return "help", nil
		case slices.Contains(valueFlags, argument):
			i++
		case strings.HasPrefix(argument, "-") && argument != "-":
		case at < 0:
			at = i
		}
	}
	if at < 0 {
		return "", arguments
	}
	return arguments[at], slices.Concat(arguments[:at], arguments[at+1:])
}

// parseFlags reads the flags of a command and gives what is not one.
func parseFlags(arguments []string) (f flags, positional []string, err error) {
	f = flags{logLevel: "info", logFormat: "text"}
	for i := 0; i < len(arguments); i++ {
		argument := arguments[i]
		if argument == "--" {
			return f, append(positional, arguments[i+1:]...), nil
		}
		if !strings.HasPrefix(argument, "-") || argument == "-" {
			positional = append(positional, argument)
			continue
		}
		name, value, hasValue := strings.Cut(argument, "=")
		switch {
		case slices.Contains(switches, name):
			if !hasValue {
				value = "true"
			}
		case !slices.Contains(valueFlags, name):
			return f, nil, fmt.Errorf("unknown flag: %s", name)
		case !hasValue && i+1 == len(arguments):
			return f, nil, fmt.Errorf("flag needs an argument: %s", name)
		case !hasValue:
			i++
			value = arguments[i]
		}
		if err := f.set(name, value); err != nil {
			return f, nil, err
		}
	}
	return f, positional, nil
}

func (f *flags) set(name, value string) (err error) {
	switch name {
	case "--loglevel":
		f.logLevel = value
	case "--log-format":
		f.logFormat = value
	case "--gloglevel":
		// A controller without klog passes an empty value (contract §1.5). Nothing here logs by klog's levels.
		if value != "" {
			_, err = strconv.Atoi(value)
		}
	case "--short":
		f.short, err = strconv.ParseBool(value)
	}
	if err != nil {
		return fmt.Errorf("invalid argument %q for %q flag: %w", value, name, err)
	}
	return nil
}
