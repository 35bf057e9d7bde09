package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mqsim/mqsim/models"
)

// Inspect prints a broker's file or folder. The model is found by what the path is; damaged counts the
// places where it does not hold what it should. in.FS and in.Path are set here. An unreadable path or
// one that no model knows is an *InputError.
func Inspect(path string, in models.Inspection) (damaged int, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return 0, &InputError{err}
	}
	if _, err := os.Stat(abs); err != nil {
		return 0, &InputError{err}
	}
	root := filepath.VolumeName(abs) + string(filepath.Separator)
	in.FS = os.DirFS(root)
	in.Path = filepath.ToSlash(strings.TrimPrefix(abs, root))
	if in.Path == "" {
		in.Path = "."
	}
	for _, m := range allModels {
		i, ok := m.(models.Inspector)
		if !ok {
			continue
		}
		what := i.Knows(in.FS, in.Path)
		if what == "" {
			continue
		}
		if _, err := fmt.Fprintf(in.Out, "%s: %s\n", path, what); err != nil {
			return 0, err
		}
		damaged, err = i.Inspect(&in)
		var bad *os.PathError
		if errors.As(err, &bad) {
			err = &InputError{err}
		}
		return damaged, err
	}
	return 0, &InputError{fmt.Errorf("%s: no broker's file that mqsim knows (segments, indexes, checkpoints, commit logs, queue indexes and the folders that hold them)", path)}
}
