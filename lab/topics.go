package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

var topics = experiment{
	id:    "topics",
	title: Text{En: "One log for all topics against a file for each partition (messages of 1 KiB)", Zh: "所有主题共用一个日志与每分区一个文件（1 KiB 消息）"},
	lesson: Text{
		En: "With few partitions a file for each (Kafka) is as good as one commit log (RocketMQ). With thousands, what was sequential becomes small writes all over the disk, and making it durable is a sync for each file.\nThe commit log stays flat when it grows, but pays with a second write, the queue's entry of 20 bytes, and with random reads for a consumer that is behind.",
		Zh: "分区少时，每分区一个文件（Kafka）与单一 commit log（RocketMQ）不相上下；上千分区时，顺序写变成遍布磁盘的小写，刷盘也要逐个文件进行。\ncommit log 不随主题数变慢，代价是多写一份 20 字节的队列条目，以及落后消费者的随机读。",
	},
	run: runTopics,
}

func runTopics(b *bench) error {
	counts := []int{1, 16, 256, 1024, 4096}
	if b.opt.Quick {
		counts = []int{1, 64, 1024}
	}
	for _, n := range counts {
		if err := b.filePerPartition(n); errors.Is(err, syscall.EMFILE) {
			b.note(fmt.Sprintf("%d files may not be open at once (ulimit -n)", n), fmt.Sprintf("无法同时打开 %d 个文件（ulimit -n）", n))
		} else if err != nil {
			return err
		}
		if err := b.commitLog(n); errors.Is(err, ErrUnavailable) {
			b.note("commit log with queues: "+err.Error(), "本系统不支持 mmap，未测带队列的 commit log")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// many are n open files.
func (b *bench) many(n int) (files []*os.File, release func(), err error) {
	release = func() {
		for _, f := range files {
			f.Close()
			os.Remove(f.Name())
		}
	}
	for i := range n {
		f, err := b.file(fmt.Sprintf("p%d", i))
		if err != nil {
			release()
			return nil, nil, err
		}
		files = append(files, f)
	}
	return files, release, nil
}

// timedSync brings files to the disk within the measurement, and gives its own share of the time too.
func (b *bench) timedSync(files []*os.File, took *time.Duration) func() error {
	return func() error {
		start := time.Now()
		for _, f := range files {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			if err := f.Sync(); err != nil {
				return err
			}
		}
		*took = time.Since(start)
		return nil
	}
}

func (b *bench) filePerPartition(n int) error {
	files, release, err := b.many(n)
	if err != nil {
		return err
	}
	defer release()
	body := noise(message)
	var rnd draws
	var took time.Duration
	err = b.measure(plan{name: fmt.Sprintf("file-per-partition/%d", n), bytes: message, limit: b.opt.Size / message,
		step:  func(int64) error { _, err := files[rnd.below(int64(n))].Write(body); return err },
		after: b.timedSync(files, &took)})
	b.syncShare(err, took)
	return err
}

// syncShare adds to the last row how long the syncs at its end took.
func (b *bench) syncShare(err error, took time.Duration) {
	if err == nil {
		row := &b.out.Rows[len(b.out.Rows)-1]
		row.Extra = append(row.Extra, Value{float64(took.Nanoseconds()), "ns/final-sync"})
	}
}

// commitLog appends to one file, and puts an entry of 20 bytes into the mapped queue file of the
// partition; as in the broker, only the log counts as durable, because the queues can be made from it.
func (b *bench) commitLog(n int) error {
	f, err := b.file("commitlog")
	if err != nil {
		return err
	}
	defer f.Close()
	limit := b.opt.Size / message
	perQueue := (limit/int64(n)*2 + 64) * denseItem
	q, err := b.file("queues")
	if err != nil {
		return err
	}
	defer q.Close()
	if err := q.Truncate(perQueue * int64(n)); err != nil {
		return err
	}
	mem, err := mapForWriting(q, perQueue*int64(n))
	if err != nil {
		return err
	}
	defer unmap(mem)
	body := noise(message)
	ends := make([]int64, n)
	var rnd draws
	var took time.Duration
	err = b.measure(plan{name: fmt.Sprintf("commit-log/%d", n), bytes: message, limit: limit,
		step: func(i int64) error {
			if _, err := f.Write(body); err != nil {
				return err
			}
			k := rnd.below(int64(n))
			at := k*perQueue + ends[k]
			binary.BigEndian.PutUint64(mem[at:], uint64(i*message))
			binary.BigEndian.PutUint32(mem[at+8:], message)
			ends[k] = (ends[k] + denseItem) % perQueue
			return nil
		}, after: b.timedSync([]*os.File{f}, &took)})
	b.syncShare(err, took)
	return err
}
