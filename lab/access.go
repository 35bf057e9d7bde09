package lab

import (
	"errors"
	"fmt"
	"os"
)

var access = experiment{
	id:    "access",
	title: Text{En: "Sequential against random access, blocks of 4 KiB", Zh: "顺序访问与随机访问（4 KiB 块）"},
	lesson: Text{
		En: "Appending lets the disk and the read-ahead work in large pieces; that is why a broker's log is only ever appended to.\nIn the page cache the two differ little: the difference appears once bytes really come from, or go to, the disk.",
		Zh: "顺序追加让磁盘和预读以大块工作，这就是 broker 日志只追加写的原因。\n在页缓存中两者相差不大，只有数据真正进出磁盘时差别才显现。",
	},
	run: runAccess,
}

const block = 4 << 10

// runAccess writes and reads one file in both orders, through the page cache and to the disk.
func runAccess(b *bench) error {
	f, err := b.filled("data", b.opt.Size)
	if err != nil {
		return err
	}
	defer f.Close()
	blocks := b.opt.Size / block
	buf := noise(block)
	var rnd draws
	next := func(i int64) int64 { return i % blocks * block }
	anywhere := func(int64) int64 { return rnd.below(blocks) * block }
	for _, w := range []struct {
		name  string
		place func(int64) int64
	}{{"sequential", next}, {"random", anywhere}} {
		write := func(i int64) error { _, err := f.WriteAt(buf, w.place(i)); return err }
		if err := b.measure(plan{name: "write/" + w.name + "/page-cache", bytes: block, limit: blocks, step: write}); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		synced := func(i int64) error {
			if err := write(i); err != nil || i%256 != 255 {
				return err
			}
			return dataSync(f)
		}
		err := b.measure(plan{name: "write/" + w.name + "/sync-each-MiB", bytes: block, limit: blocks, step: synced, after: f.Sync})
		if err != nil {
			return err
		}
	}
	for _, r := range []struct {
		name   string
		place  func(int64) int64
		random bool
	}{{"sequential", next, false}, {"random", anywhere, true}} {
		if err := b.readBlocks(f, r.name, buf, r.place, r.random); err != nil {
			return err
		}
	}
	if m := memory(); m > b.opt.Size {
		b.note(fmt.Sprintf("the file (%d MiB) fits into memory (%d MiB): rows named page-cache are the speed of memory, not of the disk", b.opt.Size>>20, m>>20),
			fmt.Sprintf("文件（%d MiB）小于内存（%d MiB）：名为 page-cache 的行是内存速度而非磁盘速度", b.opt.Size>>20, m>>20))
	}
	return nil
}

// readBlocks reads cold, if the system can forget a file, and then what the cache holds.
func (b *bench) readBlocks(f *os.File, name string, buf []byte, place func(int64) int64, random bool) error {
	read := func(i int64) error { _, err := f.ReadAt(buf, place(i)); return err }
	if err := f.Sync(); err != nil {
		return err
	}
	stayed, err := forget(f, b.opt.Size)
	switch {
	case errors.Is(err, ErrUnavailable):
		b.note("cold reads are "+ErrUnavailable.Error()+": a file cannot be dropped from the page cache", "本系统无法把文件逐出页缓存，未测冷读")
	case err != nil:
		return err
	case stayed > 0.1:
		b.note(fmt.Sprintf("%.0f%% of the file stayed in the page cache: there is no cold read (a file system in memory?)", stayed*100),
			fmt.Sprintf("文件有 %.0f%% 仍在页缓存中，无法测冷读（内存文件系统？）", stayed*100))
	default:
		if err := noReadAhead(f, random); err != nil {
			return err
		}
		if err := b.measure(plan{name: "read/" + name + "/cold", bytes: block, limit: b.opt.Size / block, step: read}); err != nil {
			return err
		}
		if err := noReadAhead(f, false); err != nil {
			return err
		}
		if !random {
			b.note("cold means cold for this machine's page cache; a cache below a virtual disk cannot be emptied from inside", "冷读只针对本机页缓存；虚拟磁盘之下宿主机的缓存无法从内部清空")
		}
	}
	warm := make([]byte, 1<<20)
	for at := int64(0); at < b.opt.Size; at += int64(len(warm)) {
		if _, err := f.ReadAt(warm[:min(int64(len(warm)), b.opt.Size-at)], at); err != nil {
			return err
		}
	}
	return b.measure(plan{name: "read/" + name + "/page-cache", bytes: block, limit: b.opt.Size / block, step: read})
}
