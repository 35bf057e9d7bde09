package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sort"
)

var indexes = experiment{
	id:    "index",
	title: Text{En: "Dense against sparse index: find one message of 100 bytes in a log", Zh: "稠密索引与稀疏索引：在日志中查找一条 100 字节消息"},
	lesson: Text{
		En: "A sparse index (Kafka: one entry per 4 KiB) is some hundred times smaller here and so stays in memory; the price is a short scan of the log.\nA dense one (RocketMQ's consume queue, 20 bytes a message) goes straight to the message. With more bytes between entries the scan takes over.",
		Zh: "稀疏索引（Kafka 每 4 KiB 一项）在此小约一百倍，可常驻内存，代价是扫描一小段日志。\n稠密索引（RocketMQ consume queue，每条 20 字节）直接定位；索引项间隔越大，扫描越占主导。",
	},
	run: runIndexes,
}

const (
	small     = 100 // bytes of a message: offset of 8, length of 4, body
	denseItem = 20
	sparse    = 8
)

// runIndexes has a log whose messages begin with their offset and length, as every broker's do.
func runIndexes(b *bench) error {
	n := b.opt.Size / 4 / small
	f, err := b.file("log")
	if err != nil {
		return err
	}
	defer f.Close()
	const perWrite = 1000
	buf := noise(perWrite * small)
	for i := int64(0); i < n; i += perWrite {
		for k := range min(perWrite, n-i) {
			binary.BigEndian.PutUint64(buf[k*small:], uint64(i+k))
			binary.BigEndian.PutUint32(buf[k*small+8:], small)
		}
		if _, err := f.Write(buf[:min(perWrite, n-i)*small]); err != nil {
			return err
		}
	}
	if err := b.denseLookup(f, n); err != nil {
		return err
	}
	for _, interval := range []int64{4 << 10, 64 << 10} {
		if err := b.sparseLookup(f, n, interval); err != nil {
			return err
		}
	}
	b.note("the log is in the page cache: what is compared is the work of finding, not the disk", "日志在页缓存中：比较的是查找工作量，不含磁盘")
	return nil
}

// denseLookup has the position of every message in memory.
func (b *bench) denseLookup(f *os.File, n int64) error {
	index := make([]byte, n*denseItem)
	for i := range n {
		binary.BigEndian.PutUint64(index[i*denseItem:], uint64(i*small))
		binary.BigEndian.PutUint32(index[i*denseItem+8:], small)
	}
	var rnd draws
	out := make([]byte, small)
	return b.measure(plan{name: "dense", extra: []Value{{float64(len(index)), "index-B"}}, step: func(int64) error {
		want := rnd.below(n)
		e := index[want*denseItem:]
		if _, err := f.ReadAt(out[:binary.BigEndian.Uint32(e[8:])], int64(binary.BigEndian.Uint64(e))); err != nil {
			return err
		}
		return found(out, want)
	}})
}

// sparseLookup has one entry per interval; from there it reads up to an interval and walks the messages.
func (b *bench) sparseLookup(f *os.File, n, interval int64) error {
	step := (interval + small - 1) / small
	entries := (n + step - 1) / step // offset and position, 4 bytes each
	index := make([]byte, 0, entries*sparse)
	for i := int64(0); i < n; i += step {
		index = binary.BigEndian.AppendUint32(index, uint32(i))
		index = binary.BigEndian.AppendUint32(index, uint32(i*small))
	}
	var rnd draws
	buf := make([]byte, step*small)
	name := fmt.Sprintf("sparse/%d-KiB", interval>>10)
	return b.measure(plan{name: name, extra: []Value{{float64(len(index)), "index-B"}}, step: func(int64) error {
		want := rnd.below(n)
		k := sort.Search(int(entries), func(i int) bool { return int64(binary.BigEndian.Uint32(index[i*sparse:])) > want }) - 1
		at := int64(binary.BigEndian.Uint32(index[k*sparse+4:]))
		got, err := f.ReadAt(buf[:min(int64(len(buf)), n*small-at)], at)
		if err != nil {
			return err
		}
		for rest := buf[:got]; len(rest) >= small; rest = rest[binary.BigEndian.Uint32(rest[8:]):] {
			if int64(binary.BigEndian.Uint64(rest)) == want {
				return nil
			}
		}
		return errNotFound
	}})
}

var errNotFound = errors.New("the message is not where the index says")

func found(m []byte, want int64) error {
	if int64(binary.BigEndian.Uint64(m)) != want {
		return errNotFound
	}
	return nil
}

var lookups = experiment{
	id:    "lookup",
	title: Text{En: "Binary search in an index file: memory-mapped against pread", Zh: "索引文件二分查找：mmap 与 pread"},
	lesson: Text{
		En: "A search looks at some twenty entries; with pread each is a system call, in a mapping each is a load from memory.\nThe same bytes are in the page cache both times: what differs is how often the kernel is entered. Cold, a mapping pays with page faults.",
		Zh: "一次查找约看二十项：pread 每项一次系统调用，mmap 每项只是一次内存读取。\n两种方式的数据都在页缓存中，差别只在进入内核的次数；冷数据时 mmap 以缺页代价偿还。",
	},
	run: runLookups,
}

// runLookups searches an index of 8 bytes an entry, of the default size of Kafka's (10 MiB) if there is room.
func runLookups(b *bench) error {
	n := min(b.opt.Size, 10<<20) / sparse
	index := make([]byte, 0, n*sparse)
	for i := range n {
		index = binary.BigEndian.AppendUint32(index, uint32(i*41))
		index = binary.BigEndian.AppendUint32(index, uint32(i*4100))
	}
	f, err := b.file("index")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(index); err != nil {
		return err
	}
	search := func(name string, entry func(i int64) (uint32, error)) error {
		var rnd draws
		return b.measure(plan{name: name, step: func(int64) error {
			slot := rnd.below(n)
			got, err := bisect(n, uint32(slot*41+7), entry)
			if err == nil && got != slot {
				err = errNotFound
			}
			return err
		}})
	}
	if err := search("in-memory", func(i int64) (uint32, error) { return binary.BigEndian.Uint32(index[i*sparse:]), nil }); err != nil {
		return err
	}
	mem, err := mapFile(f, n*sparse)
	switch {
	case errors.Is(err, ErrUnavailable):
		b.note("mapped: "+err.Error(), "本系统不支持 mmap 测量")
	case err != nil:
		return err
	default:
		defer unmap(mem)
		if err := search("mapped", func(i int64) (uint32, error) { return binary.BigEndian.Uint32(mem[i*sparse:]), nil }); err != nil {
			return err
		}
	}
	var e [sparse]byte
	return search("pread", func(i int64) (uint32, error) {
		_, err := f.ReadAt(e[:], i*sparse)
		return binary.BigEndian.Uint32(e[:]), err
	})
}

// bisect is the last entry whose key is at most want.
func bisect(n int64, want uint32, entry func(int64) (uint32, error)) (int64, error) {
	low, high := int64(0), n-1
	for low < high {
		mid := (low + high + 1) / 2
		key, err := entry(mid)
		if err != nil {
			return 0, err
		}
		if key <= want {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low, nil
}
