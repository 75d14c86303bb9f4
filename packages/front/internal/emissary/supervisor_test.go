package emissary

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReadStatus(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		text    string // none: there is no file
		written time.Time
		start   time.Time
		ready   bool
		want    string
	}{
		"ready":              {text: "READY\n", written: now.Add(-time.Hour), start: now, ready: true},
		"running":            {text: "RUNNING\n", written: now.Add(-29 * time.Second), start: now.Add(-time.Hour)},
		"not whole":          {text: "RUN", written: now, start: now},
		"empty":              {text: " ", written: now, start: now},
		"silent":             {text: "RUNNING\n", written: now.Add(-31 * time.Second), start: now, want: "supervisor presumed dead: no status update within 30s"},
		"failed":             {text: "FAILED\n no such key\n\n", written: now.Add(-time.Hour), start: now, want: "supervisor reported pre-main failure: no such key"},
		"not there yet":      {start: now.Add(-29 * time.Second)},
		"never there at all": {start: now.Add(-31 * time.Second), want: "supervisor presumed dead: status marker never appeared within 30s"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "status")
			if test.text != "" {
				if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, test.written, test.written); err != nil {
					t.Fatal(err)
				}
			}
			ready, err := readStatus(path, test.start, now)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if ready != test.ready || message != test.want {
				t.Errorf("got %v, %q", ready, message)
			}
		})
	}
}
