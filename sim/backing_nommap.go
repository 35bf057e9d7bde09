//go:build !((linux || darwin) && (amd64 || arm64))

package sim

import "os"

// removesOpen: not every one of these systems can rename and remove an open file.
const removesOpen = false

// mapFile: without mappings, or with too few addresses for them, mapped files are written with
// positional writes.
func mapFile(*os.File, int64) []byte { return nil }

func unmapFile([]byte) error { return nil }
