package emissary

import (
	"testing"
	"time"

	"github.com/skein/front/internal/template"
)

func TestRetryPolicy(t *testing.T) {
	for text, want := range map[string]retry{
		`{"container":{}}`:                                                     {attempts: 1},
		`{"containerSet":{}}`:                                                  {attempts: 1},
		`{"containerSet":{"retryStrategy":{}}}`:                                {attempts: 1},
		`{"containerSet":{"retryStrategy":{"duration":"1s"}}}`:                 {attempts: 1},
		`{"containerSet":{"retryStrategy":{"retries":3}}}`:                     {attempts: 3},
		`{"containerSet":{"retryStrategy":{"retries":"3","duration":"1m1s"}}}`: {attempts: 3, pause: 61 * time.Second},
	} {
		parsed, err := template.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := retryPolicy(parsed); got != want || err != nil {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
