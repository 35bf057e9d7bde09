package log

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"testing"
)

// state feeds batches of n records to a producer state as a leader does.
type state struct {
	t   *testing.T
	p   *Producers
	end int64
}

func header(base int64, n int32, pid int64, epoch int16, seq int32) Header {
	h := make([]byte, HeaderSize)
	putHeader(h, &fields{base: base, lastDelta: n - 1, count: n, maxTimestamp: 1000 + base,
		producerID: pid, producerEpoch: epoch, baseSequence: seq}, nil)
	return h
}

// send returns the offset that the client is told, or the error.
func (s *state) send(n int32, epoch int16, seq int32) (int64, error) {
	h := header(s.end, n, 1, epoch, seq)
	if m, ok := s.p.duplicate(h); ok {
		return m.firstOffset(), nil
	}
	if err := s.p.check(h); err != nil {
		return None, err
	}
	s.p.update(h)
	s.end += int64(n)
	return s.end - int64(n), nil
}

func (s *state) want(what string, n int32, epoch int16, seq int32, offset int64, wantErr error) {
	s.t.Helper()
	if o, err := s.send(n, epoch, seq); o != offset || err != wantErr {
		s.t.Errorf("%s: offset %d, %v; want %d, %v", what, o, err, offset, wantErr)
	}
}

func TestDeduplication(t *testing.T) {
	s := &state{t, newProducers(), 100}
	s.want("any first sequence without state", 10, 0, 40, 100, nil)
	s.want("its retry", 10, 0, 40, 100, nil)
	s.want("the next", 10, 0, 50, 110, nil)
	s.want("a gap", 1, 0, 61, None, ErrOutOfOrderSequence)
	s.want("part of a known batch is no duplicate", 5, 0, 50, None, ErrOutOfOrderSequence)
	for i := range int32(4) {
		s.want("filling the window", 10, 0, 60+10*i, 120+10*int64(i), nil)
	}
	s.want("the fifth last", 10, 0, 50, 110, nil)
	s.want("the sixth last fell out of the window", 10, 0, 40, None, ErrOutOfOrderSequence)
	s.want("a new epoch must begin at 0", 1, 1, 5, None, ErrOutOfOrderSequence)
	s.want("a new epoch", 1, 1, 0, 160, nil)
	s.want("an old epoch, though the batch was known", 10, 0, 90, None, ErrInvalidProducerEpoch)
}

func TestSequenceWraps(t *testing.T) {
	s := &state{t, newProducers(), 0}
	s.want("before the wrap", 10, 0, 1<<31-6, 0, nil) // ends at sequence 3
	s.want("after it", 1, 0, 4, 10, nil)
	s.want("retry of the batch that wraps", 10, 0, 1<<31-6, 0, nil)
	s = &state{t, newProducers(), 0}
	s.want("up to the last", 1, 0, 1<<31-1, 0, nil)
	s.want("from 0 again", 1, 0, 0, 1, nil)
}

func TestSnapshotFormat(t *testing.T) {
	s := &state{t, newProducers(), 0}
	s.want("one", 3, 2, 0, 0, nil)
	s.want("two", 2, 2, 3, 3, nil)
	b := appendSnapshot(nil, s.p.sorted())
	const want = "0001" + "9fe2f0ff" + "00000001" +
		"0000000000000001" + "0002" + "00000004" + "0000000000000004" + "00000001" + "00000000000003eb" + "ffffffff" + "ffffffffffffffff"
	got := hex.EncodeToString(b)
	if got[:4]+got[12:] != want[:4]+want[12:] {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	entries, err := parseSnapshot(b)
	if err != nil {
		t.Fatal(err)
	}
	p := newProducers()
	p.restore(entries, 5, 0, 86400000)
	again := &state{t, p, 5}
	again.want("the last batch is remembered", 2, 2, 3, 3, nil)
	again.want("those before are not", 3, 2, 0, None, ErrOutOfOrderSequence)
	again.want("the next", 1, 2, 5, 5, nil)
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		if _, err := parseSnapshot(bad); err == nil {
			t.Errorf("a flipped bit in byte %d was not noticed", i)
		}
		if _, err := parseSnapshot(b[:i]); err == nil {
			t.Errorf("%d of %d bytes were accepted", i, len(b))
		}
	}
}

func TestProducersExpire(t *testing.T) {
	p := newProducers()
	for id := int64(1); id <= 4; id++ {
		p.update(header(id*1000, 1, id, 0, 0)) // timestamps 2000, 3000 ...
	}
	p.expire(5000, 2000)
	if p.Len() != 2 || p.find(1) != nil || p.find(2) != nil || p.find(3).id != 3 || p.find(4).id != 4 {
		t.Errorf("left: %+v", p.entries)
	}
}

func FuzzSnapshot(f *testing.F) {
	f.Add(appendSnapshot(nil, nil))
	f.Add(appendSnapshot(nil, []producerEntry{{id: 5, txnFirstOffset: None, n: 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Give mutated bytes a right checksum, or the fuzzer would never get behind it.
		if len(b) >= snapshotHead {
			b = append([]byte(nil), b...)
			fixed := appendSnapshot(nil, nil)
			copy(b[:2], fixed[:2])
			putCRC(b)
		}
		entries, err := parseSnapshot(b)
		if err != nil {
			return
		}
		p := newProducers()
		p.restore(entries, 0, 0, 1<<62)
		again, err := parseSnapshot(appendSnapshot(nil, p.sorted()))
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d producers became %d, %v", len(entries), len(again), err)
		}
	})
}

func putCRC(b []byte) { binary.BigEndian.PutUint32(b[2:], crc32.Checksum(b[6:], castagnoli)) }
