package lab

import (
	"fmt"
	"os"
	"sync"
	"time"
)

var syncs = experiment{
	id:    "sync",
	title: Text{En: "Page cache, a sync for each message, group commit (messages of 1 KiB)", Zh: "页缓存、逐条刷盘与组提交（1 KiB 消息）"},
	lesson: Text{
		En: "A sync costs the same for one message and for a thousand. With many senders waiting, one sync serves them all (group commit).\nThe page cache alone is orders of magnitude faster and survives a killed process, but not a power loss.",
		Zh: "一次刷盘的代价与条数几乎无关；许多发送者同时等待时，一次刷盘可服务所有人（组提交）。\n只写页缓存快几个数量级，进程被杀不丢，但断电会丢。",
	},
	run: runSyncs,
}

const message = 1 << 10

func runSyncs(b *bench) error {
	body := noise(message)
	for _, every := range []int64{0, 1, 100} {
		f, err := b.file("log")
		if err != nil {
			return err
		}
		name := "page-cache"
		if every > 0 {
			name = fmt.Sprintf("sync-each-%d", every)
		}
		err = b.measure(plan{name: name, bytes: message, limit: b.opt.Size / message, step: func(i int64) error {
			if _, err := f.Write(body); err != nil || every == 0 || i%every != every-1 {
				return err
			}
			return dataSync(f)
		}})
		f.Close()
		if err != nil {
			return err
		}
	}
	senders := []int{1, 8, 64, 512}
	if b.opt.Quick {
		senders = []int{8, 64}
	}
	for _, n := range senders {
		if err := b.groupCommit(n, body); err != nil {
			return err
		}
	}
	return nil
}

// groupCommit has n senders that each wait until their message is on the disk and send the next one;
// one committer writes all that wait and syncs once for them.
func (b *bench) groupCommit(n int, body []byte) error {
	f, err := b.file("log")
	if err != nil {
		return err
	}
	defer f.Close()
	waiting := make(chan chan error, n)
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for range n {
		senders.Go(func() {
			answer := make(chan error, 1)
			for {
				select {
				case <-stop:
					return
				case waiting <- answer:
				}
				if <-answer != nil {
					return
				}
			}
		})
	}
	c := committer{f: f, body: body}
	start := time.Now()
	for time.Since(start) < b.opt.Time && c.messages < b.opt.Size/message && b.ctx.Err() == nil && c.err == nil {
		c.commit(waiting)
	}
	passed := time.Since(start)
	close(stop)
	done := make(chan struct{})
	go func() { senders.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case answer := <-waiting:
			answer <- nil
		}
	}
	if c.err != nil {
		return c.err
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	b.add(fmt.Sprintf("group-commit/%d-senders", n), c.messages, message, passed, 0,
		Value{float64(c.messages) / float64(c.syncs), "msgs/sync"},
		Value{float64(passed.Nanoseconds()) / float64(c.syncs), "ns/sync"})
	return nil
}

// committer is the one that writes.
type committer struct {
	f               *os.File
	body, batch     []byte
	answers         []chan error
	messages, syncs int64
	err             error
}

// commit waits for one message, takes what else waits, writes it, syncs once and answers.
func (c *committer) commit(waiting <-chan chan error) {
	c.answers, c.batch = append(c.answers[:0], <-waiting), append(c.batch[:0], c.body...)
	for more := true; more; {
		select {
		case a := <-waiting:
			c.answers, c.batch = append(c.answers, a), append(c.batch, c.body...)
		default:
			more = false
		}
	}
	if _, c.err = c.f.Write(c.batch); c.err == nil {
		c.err = dataSync(c.f)
	}
	for _, a := range c.answers {
		a <- c.err
	}
	c.messages += int64(len(c.answers))
	c.syncs++
}

var batches = experiment{
	id:    "batch",
	title: Text{En: "Batches of messages of 1 KiB: time for each message", Zh: "批量：每条 1 KiB 消息的耗时"},
	lesson: Text{
		En: "A call, a header and a sync are paid once per batch, so the cost of a message falls until copying its bytes is what remains.\nWith syncs the gain goes on much further, because a sync costs so much more than a call.",
		Zh: "系统调用、批次头和刷盘按批只付一次，单条成本不断下降，直到只剩拷贝字节的代价。\n带刷盘时收益延续得更远，因为刷盘远贵于系统调用。",
	},
	run: runBatches,
}

// runBatches gives time by batch; msg is the time of each message in it.
func runBatches(b *bench) error {
	for _, sync := range []bool{false, true} {
		for _, n := range []int64{1, 4, 16, 64, 256} {
			f, err := b.file("log")
			if err != nil {
				return err
			}
			body := noise(int(n * message))
			name := fmt.Sprintf("page-cache/%d", n)
			step := func(int64) error { _, err := f.Write(body); return err }
			if sync {
				name = fmt.Sprintf("sync-each-batch/%d", n)
				step = func(int64) error {
					if _, err := f.Write(body); err != nil {
						return err
					}
					return dataSync(f)
				}
			}
			err = b.measure(plan{name: name, bytes: n * message, limit: b.opt.Size / (n * message), step: step})
			f.Close()
			if err != nil {
				return err
			}
			row := &b.out.Rows[len(b.out.Rows)-1]
			row.Extra = append(row.Extra, Value{row.Nanos / float64(n), "ns/msg"})
		}
	}
	return nil
}
