package store

import (
	"errors"

	"github.com/mqsim/mqsim/sim"
)

// WhyReplaced is the reason for removing the older version of a metadata file.
const WhyReplaced = "replaced"

// WriteMeta writes a file of the config directory: the new content to .tmp, the previous one to
// .bak, then .tmp replaces the file. Nothing is synced (MixAll.string2File).
func WriteMeta(fs *sim.FS, path string, data []byte) error {
	return writeMeta(&volume{FS: fs}, path, data)
}

func writeMeta(fs *volume, path string, data []byte) error {
	if err := writeFile(fs, path+".tmp", data); err != nil {
		return err
	}
	if before, ok := readFile(fs.FS, path); ok {
		if err := writeFile(fs, path+".bak", before); err != nil {
			return err
		}
		if err := fs.Remove(path, WhyReplaced); err != nil && !errors.Is(err, sim.ErrNotExist) {
			return err
		}
	}
	return fs.Rename(path+".tmp", path)
}

// ReadMeta reads a file of the config directory. If it is missing or empty, or ok does not take it,
// the .bak file is tried (ConfigManager.load). false: neither serves.
func ReadMeta(fs *sim.FS, path string, ok func(data []byte) bool) bool {
	for _, p := range [2]string{path, path + ".bak"} {
		if data, found := readFile(fs, p); found && len(data) > 0 && ok(data) {
			return true
		}
	}
	return false
}

func writeFile(fs *volume, path string, data []byte) error {
	f, err := fs.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.AppendBytes(data)
}

func readFile(fs *sim.FS, path string) ([]byte, bool) {
	f := fs.Open(path)
	if f == nil {
		return nil, false
	}
	defer f.Close()
	b := make([]byte, f.Size())
	if len(b) > 0 {
		if _, err := f.ReadAt(b, 0); err != nil {
			return nil, false
		}
	}
	return b, true
}
