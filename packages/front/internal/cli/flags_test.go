package cli

import (
	"slices"
	"testing"
)

func TestSubcommandIsFoundBehindFlags(t *testing.T) {
	for _, test := range []struct {
		arguments []string
		name      string
		others    []string
	}{
		{nil, "", nil},
		{[]string{"wait"}, "wait", []string{}},
		{[]string{"--loglevel", "info", "wait", "--gloglevel", "0"}, "wait", []string{"--loglevel", "info", "--gloglevel", "0"}},
		{[]string{"--loglevel=info", "-n", "argo", "init"}, "init", []string{"--loglevel=info", "-n", "argo"}},
		{[]string{"--insecure-skip-tls-verify", "init"}, "init", []string{"--insecure-skip-tls-verify"}},
		{[]string{"--of-a-later-release", "init"}, "init", []string{"--of-a-later-release"}},
		{[]string{"emissary", "--", "wait"}, "emissary", []string{"--", "wait"}},
		{[]string{"--", "wait"}, "", []string{"--", "wait"}},
		{[]string{"--help", "wait"}, "help", nil},
		{[]string{"doctor", "--help"}, "doctor", []string{"--help"}},
		{[]string{"wait", "--loglevel", "info", "-h"}, "help", nil},
		{[]string{"emissary", "--", "ls", "--help"}, "emissary", []string{"--", "ls", "--help"}},
	} {
		name, others := subcommand(test.arguments)
		if name != test.name || !slices.Equal(others, test.others) {
			t.Errorf("%q: %q, %q", test.arguments, name, others)
		}
	}
}

func TestEverythingAfterTwoDashesIsTheCommands(t *testing.T) {
	f, positional, err := parseFlags([]string{"--log-format", "json", "--", "sh", "-c", "--", "--loglevel"})
	if err != nil || f.logFormat != "json" || f.logLevel != "info" {
		t.Errorf("%+v, %v", f, err)
	}
	if want := []string{"sh", "-c", "--", "--loglevel"}; !slices.Equal(positional, want) {
		t.Errorf("got %q, want %q", positional, want)
	}
}

func TestSwitchesTakeAValueOnlyAfterAnEqualsSign(t *testing.T) {
	for arguments, want := range map[string]bool{"--short": true, "--short=true": true, "--short=false": false} {
		f, positional, err := parseFlags([]string{arguments, "rest"})
		if err != nil || f.short != want || !slices.Equal(positional, []string{"rest"}) {
			t.Errorf("%s: %+v, %q, %v", arguments, f, positional, err)
		}
	}
}
