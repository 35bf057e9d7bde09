//go:build (linux || darwin) && (amd64 || arm64)

package sim

import (
	"os"
	"syscall"
)

// removesOpen: an open file can be renamed and removed.
const removesOpen = true

// mapFile maps the first size bytes of f for reading and writing, nil if the system refuses.
func mapFile(f *os.File, size int64) []byte {
	if size <= 0 || size != int64(int(size)) {
		return nil
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil
	}
	return b
}

func unmapFile(b []byte) error {
	if b == nil {
		return nil
	}
	return syscall.Munmap(b)
}
