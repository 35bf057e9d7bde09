package lab

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cpuTime is what the calling thread used so far, in the program and in the kernel.
func cpuTime() time.Duration { return usage(unix.RUSAGE_THREAD) }

// memory is the machine's, 0 if the system does not tell.
func memory() int64 {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return 0
	}
	return int64(uint64(s.Totalram) * uint64(s.Unit))
}

// dataSync brings the bytes of a file, but not its times, to the disk.
func dataSync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// forget drops a synced file from the page cache, and says what share of it stayed.
func forget(f *os.File, size int64) (stayed float64, err error) {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return 1, err
	}
	return resident(f, size)
}

// noReadAhead tells the kernel that the next read will be somewhere else.
func noReadAhead(f *os.File, on bool) error {
	advice := unix.FADV_NORMAL
	if on {
		advice = unix.FADV_RANDOM
	}
	return unix.Fadvise(int(f.Fd()), 0, 0, advice)
}

// resident is the share of a file's pages that the page cache holds (mincore).
func resident(f *os.File, size int64) (float64, error) {
	mem, err := mapFile(f, size)
	if err != nil {
		return 1, err
	}
	defer unmap(mem)
	pages := make([]byte, (size+int64(os.Getpagesize())-1)/int64(os.Getpagesize()))
	if _, _, e := syscall.Syscall(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&mem[0])), uintptr(size), uintptr(unsafe.Pointer(&pages[0]))); e != 0 {
		return 1, e
	}
	n := 0
	for _, p := range pages {
		n += int(p & 1)
	}
	return float64(n) / float64(len(pages)), nil
}

// pipe is a blocking pipe of 1 MiB, so that neither side waits for small buffers.
func pipe() (r, w *os.File, err error) {
	var fd [2]int
	if err := unix.Pipe2(fd[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, err
	}
	_, _ = unix.FcntlInt(uintptr(fd[1]), unix.F_SETPIPE_SZ, 1<<20) // a limit of the system leaves it at 64 KiB
	return os.NewFile(uintptr(fd[0]), "pipe"), os.NewFile(uintptr(fd[1]), "pipe"), nil
}

// sendToPipe moves n bytes of a file into a pipe without a copy through the program (sendfile).
func sendToPipe(w, f *os.File, at int64, n int) error {
	for n > 0 {
		k, err := unix.Sendfile(int(w.Fd()), int(f.Fd()), &at, n)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		n -= k
	}
	return nil
}
