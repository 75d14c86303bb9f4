package template

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/skein/front/internal/config"
	"github.com/skein/front/internal/paths"
)

// offloaded is the value of ARGO_TEMPLATE that means: too long for a variable, read the file (contract §5.7).
const offloaded = "offloaded"

// Read finds the template as a user's container does: the file init wrote, else the variable.
func Read(p paths.Paths, c config.Config) (*Template, error) {
	data, err := read(p, c)
	if err != nil {
		return nil, fmt.Errorf("failed to read template: %w", err)
	}
	template, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("failed to unmarshal template: %w", err)
	}
	return template, nil
}

func read(p paths.Paths, c config.Config) ([]byte, error) {
	data, err := os.ReadFile(p.Template())
	switch {
	case err == nil:
		return data, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !c.HasTemplate:
		return nil, fmt.Errorf("neither %s nor ARGO_TEMPLATE is available", p.Template())
	case c.Template == offloaded:
		return os.ReadFile(p.OffloadedTemplate())
	}
	return []byte(c.Template), nil
}
