package lab

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what the process used so far: the system does not tell it by thread.
func cpuTime() time.Duration { return usage(unix.RUSAGE_SELF) }

// memory is the machine's, 0 if the system does not tell.
func memory() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n)
}

// dataSync brings a file to the disk (F_FULLFSYNC, which is what os.File.Sync asks for here).
func dataSync(f *os.File) error { return f.Sync() }

// forget: pages that the cache holds already stay in it; F_NOCACHE keeps only new ones out.
func forget(*os.File, int64) (float64, error) { return 1, ErrUnavailable }

func noReadAhead(f *os.File, on bool) error {
	ahead := 1
	if on {
		ahead = 0
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_RDAHEAD, ahead)
	return err
}

func pipe() (r, w *os.File, err error) { return os.Pipe() }

// sendToPipe: sendfile goes to sockets only.
func sendToPipe(*os.File, *os.File, int64, int) error { return ErrUnavailable }
