package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/rocketmq/store"
)

// index prints an index file: its header, how its slots are used, and with Deep the chain of each slot.
func (p *printer) index(name string) error {
	r, c, size, err := p.open(name)
	if err != nil {
		return err
	}
	defer c.Close()
	var h [40]byte
	if _, err := r.ReadAt(h[:], 0); err != nil {
		return err
	}
	be := binary.BigEndian
	count := int64(int32(be.Uint32(h[36:])))
	p.line("  %s", span(int64(be.Uint64(h[0:])), int64(be.Uint64(h[8:]))))
	p.line("  records from offset %d to %d", be.Uint64(h[16:]), be.Uint64(h[24:]))
	p.line("  %d slots used, %d entries", be.Uint32(h[32:]), max(count-1, 0))
	// A file has four entries for each slot by default (maxHashSlotNum, maxIndexNum).
	slots := (size - 40) / (4 + 4*20)
	entries := (size - 40 - 4*slots) / 20
	if count > entries {
		p.damage("%s: %d entries do not fit into %d bytes", path.Base(name), count, size)
		return nil
	}
	b := make([]byte, 20)
	if p.Deep && count > 1 {
		p.line("  %8s  %10s  %14s  %8s  %s", "entry", "hash", "offset", "seconds", "older")
	}
	for i := int64(1); i < count; i++ {
		if _, err := r.ReadAt(b, 40+4*slots+20*i); err != nil && err != io.EOF {
			return err
		}
		older := int64(int32(be.Uint32(b[16:])))
		if p.Deep && p.limit(i-1) {
			p.line("  %8d  %10d  %14d  %8d  %d", i, be.Uint32(b), be.Uint64(b[4:]), be.Uint32(b[12:]), older)
		}
		if older >= i {
			p.damage("entry %d: its chain goes on at %d, which is not older", i, older)
		}
	}
	p.leftOut(max(count-1, 0))
	return nil
}

// checkpoint prints the times up to which log, queues and index are on disk (StoreCheckpoint).
func (p *printer) checkpoint(name string) error {
	r, c, _, err := p.open(name)
	if err != nil {
		return err
	}
	defer c.Close()
	var b [40]byte
	if _, err := r.ReadAt(b[:], 0); err != nil {
		return err
	}
	for i, what := range []string{"commit log (physicMsgTimestamp)", "consume queues (logicsMsgTimestamp)", "index (indexMsgTimestamp)"} {
		text := "never"
		if t := int64(binary.BigEndian.Uint64(b[8*i:])); t > 0 {
			text = store.FormatTime(t)
		}
		p.line("  %-36s %s", what, text)
	}
	for i, what := range []string{"masterFlushedOffset", "confirmPhyOffset"} { // 5.x
		if v := binary.BigEndian.Uint64(b[24+8*i:]); v > 0 {
			p.line("  %-36s %d", what, v)
		}
	}
	return nil
}

// table prints a JSON file of config as lines. A broken one is damage: the broker takes its .bak.
func (p *printer) table(name string) error {
	data, err := fs.ReadFile(p.FS, name)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(store.StandardJSON(data)))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		p.damage("%s: %v; the broker takes the .bak file", path.Base(name), err)
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		rows, ok := v[key].(map[string]any)
		if !ok || key == "dataVersion" {
			p.line("  %s %s", key, text(v[key]))
			continue
		}
		p.line("  %s: %d", key, len(rows))
		for i, k := range keysOf(rows) {
			if p.limit(int64(i)) {
				p.line("    %-32s %s", k, text(rows[k]))
			}
		}
		p.leftOut(int64(len(rows)))
	}
	return nil
}

// keysOf sorts numbers as numbers.
func keysOf(m map[string]any) []string {
	keys := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(keys, func(a, b string) int {
		x, err1 := strconv.Atoi(a)
		y, err2 := strconv.Atoi(b)
		if err1 != nil || err2 != nil {
			return 0
		}
		return x - y
	})
	return keys
}

func text(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprint(v)
	}
	out := ""
	for _, k := range keysOf(m) {
		out += fmt.Sprintf("%s=%s ", k, text(m[k]))
	}
	return out[:max(len(out)-1, 0)]
}

// store prints a store directory and checks that its parts agree.
func (p *printer) store(dir string) error {
	if _, err := fs.Stat(p.FS, path.Join(dir, "abort")); err == nil {
		p.line("abort: the broker was not stopped in order, or runs")
	}
	if name := path.Join(dir, "checkpoint"); kindOf(p.FS, name) == checkpointFile {
		p.line("checkpoint")
		if err := p.checkpoint(name); err != nil {
			return err
		}
	}
	end, err := p.logs(path.Join(dir, "commitlog"))
	if err != nil {
		return err
	}
	if queues := path.Join(dir, "consumequeue"); isDir(p.FS, queues) {
		phys, err := p.queues(queues)
		if err != nil {
			return err
		}
		switch {
		case phys > end:
			p.damage("the queues list records up to offset %d, the commit log ends at %d", phys, end)
		case phys >= 0 && phys < end:
			p.line("the queues list records up to offset %d: %d bytes are not dispatched", phys, end-phys)
		}
	}
	for _, sub := range []string{"index", "config"} {
		list, err := fs.ReadDir(p.FS, path.Join(dir, sub))
		if err != nil {
			continue
		}
		for _, e := range list {
			name := path.Join(dir, sub, e.Name())
			switch kindOf(p.FS, name) {
			case indexFile:
				p.line("index %s", e.Name())
				err = p.index(name)
			case tableFile:
				p.line("%s", e.Name())
				err = p.table(name)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
