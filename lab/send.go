package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

var sends = experiment{
	id:    "send",
	title: Text{En: "File to socket: read and write against mmap and write against sendfile", Zh: "文件到套接字：read+write、mmap+write 与 sendfile"},
	lesson: Text{
		En: "read+write copies each byte into the program and out again; mmap+write saves one of the copies, sendfile both: it shows as CPU time of the sender.\nIt does not win everywhere: with small chunks the calls cost more than the copies, on loopback the receiver's copy remains, and with TLS or a conversion of formats the bytes must pass through the program anyway.",
		Zh: "read+write 把每个字节拷进程序再拷出去；mmap+write 省一次拷贝，sendfile 省两次，体现在发送方 CPU 时间上。\n它并非处处更优：小块时系统调用比拷贝更贵，回环上接收方的拷贝仍在；启用 TLS 或需转换格式时，字节必须经过程序。",
	},
	run: runSends,
}

// sink is where bytes are sent: its other end reads and forgets them.
type sink struct {
	name string
	w    io.Writer
	// file sends part of a file without a copy through the program.
	file  func(f *os.File, at int64, n int) error
	close func()
}

// loopback is a TCP connection. Its writer hands files to sendfile by itself (net.TCPConn.ReadFrom).
func loopback() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if c, err := l.Accept(); err == nil {
			drain(c)
			c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	return &sink{
		name: "loopback", w: c, close: func() { c.Close(); <-drained },
		file: func(f *os.File, at int64, n int) error {
			if _, err := f.Seek(at, io.SeekStart); err != nil {
				return err
			}
			_, err := io.CopyN(c, f, int64(n))
			return err
		},
	}, nil
}

func piped() (*sink, error) {
	r, w, err := pipe()
	if err != nil {
		return nil, err
	}
	drained := make(chan struct{})
	go func() { defer close(drained); drain(r); r.Close() }()
	return &sink{name: "pipe", w: w, close: func() { w.Close(); <-drained },
		file: func(f *os.File, at int64, n int) error { return sendToPipe(w, f, at, n) }}, nil
}

func drain(r io.Reader) {
	buf := make([]byte, 256<<10)
	for {
		if _, err := r.Read(buf); err != nil {
			return
		}
	}
}

func runSends(b *bench) error {
	size := min(b.opt.Size, 32<<20)
	f, err := b.filled("segment", size)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, open := range []func() (*sink, error){loopback, piped} {
		s, err := open()
		if err != nil {
			return err
		}
		for _, chunk := range []int{1 << 10, 16 << 10, 64 << 10, 1 << 20} {
			if err = b.send(s, f, size, chunk); err != nil {
				break
			}
		}
		s.close()
		if err != nil {
			return err
		}
	}
	b.note("CPU is the sender's thread (on macOS the whole process); the file is in the page cache and the other end reads and forgets",
		"CPU 为发送线程（macOS 为整个进程）；文件在页缓存中，对端读取后丢弃")
	return nil
}

// send moves the file round and round in chunks, in each of the ways.
func (b *bench) send(s *sink, f *os.File, size int64, chunk int) error {
	buf := make([]byte, chunk)
	place := func(i int64) int64 { return i * int64(chunk) % size }
	name := func(way string) string { return fmt.Sprintf("%s/%d-KiB/%s", s.name, chunk>>10, way) }
	err := b.measure(plan{name: name("read+write"), bytes: int64(chunk), step: func(i int64) error {
		if _, err := f.ReadAt(buf, place(i)); err != nil {
			return err
		}
		_, err := s.w.Write(buf)
		return err
	}})
	if err != nil {
		return err
	}
	mem, err := mapFile(f, size)
	if err == nil {
		err = b.measure(plan{name: name("mmap+write"), bytes: int64(chunk), step: func(i int64) error {
			at := place(i)
			_, err := s.w.Write(mem[at : at+int64(chunk)])
			return err
		}})
		unmap(mem)
	}
	if err != nil && !errors.Is(err, ErrUnavailable) {
		return err
	}
	if errors.Is(s.file(f, 0, chunk), ErrUnavailable) {
		b.note(name("sendfile")+": "+ErrUnavailable.Error(), name("sendfile")+"：本系统不支持")
		return nil
	}
	return b.measure(plan{name: name("sendfile"), bytes: int64(chunk), step: func(i int64) error {
		return s.file(f, place(i), chunk)
	}})
}
