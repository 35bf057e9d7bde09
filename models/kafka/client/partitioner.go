package client

import "encoding/binary"

// murmur2 is Utils.murmur2, the hash that partitions by key.
func murmur2(data []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data)
		k *= m
		k ^= k >> r
		k *= m
		h *= m
		h ^= k
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// partitionForKey is BuiltInPartitioner.partitionForKey.
func partitionForKey(key []byte, partitions int) int32 {
	return int32(murmur2(key) & 0x7fffffff % uint32(partitions))
}

// keyBytes is a key of the workload as IntegerSerializer writes it.
func keyBytes(key int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(key)) }

// sticky is BuiltInPartitioner (KIP-794): messages without a key go to one partition until batch.size
// bytes were produced to it, then to another, drawn at random; with adaptive partitioning the shorter
// a partition's queue, the likelier it is.
type sticky struct {
	partition int32 // -1: none chosen yet
	produced  int
	weights   []uint64 // scratch: cumulated
	parts     []int32
}

// choose is the partition for the next message without a key. A switch that was put off happens when
// the partition's last batch is closed or gone (RecordAccumulator.partitionChanged).
func (s *sticky) choose(p *Producer, size int) int32 {
	switch p.cfg.keyless {
	case keylessPerBatch:
		return s.perBatch(p, size)
	case keylessRoundRobin:
		return s.roundRobin(p)
	}
	if s.partition < 0 {
		s.partition = s.next(p)
	}
	q := p.queues[s.partition]
	p.closeWithoutRoom(q, nil, size)
	if b := q.last(); s.produced >= max(p.cfg.batchSize, 1) && (b == nil || b.full) {
		s.partition, s.produced = s.next(p), 0
	}
	return s.partition
}

// perBatch is StickyPartitionCache: the message that would begin a new batch in the present partition
// goes to another one that has a leader.
func (s *sticky) perBatch(p *Producer, size int) int32 {
	if s.partition >= 0 {
		q := p.queues[s.partition]
		p.closeWithoutRoom(q, nil, size)
		if b := q.last(); b != nil && !b.full && b.builder != nil {
			return s.partition
		}
	}
	s.parts = s.available(p, s.parts[:0])
	switch n := uint64(len(s.parts)); {
	case n == 0:
		s.partition = int32(p.net.rnd.Below(uint64(len(p.queues))))
	case n == 1:
		s.partition = s.parts[0]
	default:
		for old := s.partition; s.partition == old; {
			s.partition = s.parts[p.net.rnd.Below(n)]
		}
	}
	return s.partition
}

// roundRobin is DefaultPartitioner before 2.4: a counter with a random start, over the partitions that
// have a leader.
func (s *sticky) roundRobin(p *Producer) int32 {
	if s.partition < 0 {
		s.produced = int(p.net.rnd.Below(1 << 31))
	}
	s.partition = 0
	at := s.produced
	s.produced = (s.produced + 1) & (1<<31 - 1)
	s.parts = s.available(p, s.parts[:0])
	if n := len(s.parts); n > 0 {
		return s.parts[at%n]
	}
	return int32(at % len(p.queues))
}

func (s *sticky) available(p *Producer, parts []int32) []int32 {
	for i := range p.queues {
		if p.topic().part(int32(i)).leader >= 0 {
			parts = append(parts, int32(i))
		}
	}
	return parts
}

// noteAppend is BuiltInPartitioner.updatePartitionInfo. A switch is put off, up to twice batch.size,
// while the last batch still has room: otherwise a half-full batch would be left behind.
func (s *sticky) noteAppend(p *Producer, partition int32, bytes int, lastFull bool) {
	if p.cfg.keyless != keylessSticky || partition != s.partition {
		return
	}
	s.produced += bytes
	size := max(p.cfg.batchSize, 1)
	if s.produced >= size && lastFull || s.produced >= 2*size {
		s.partition, s.produced = s.next(p), 0
	}
}

// next draws a partition among those with a leader, weighted by queue sizes if these differ; without
// any leader among all (BuiltInPartitioner.nextPartition).
func (s *sticky) next(p *Producer) int32 {
	s.weights, s.parts = s.weights[:0], s.parts[:0]
	longest, equal := 0, true
	for i, q := range p.queues {
		if p.topic().part(int32(i)).leader < 0 {
			continue
		}
		n := q.len()
		if len(s.parts) > 0 && n != int(s.weights[0]) {
			equal = false
		}
		longest = max(longest, n)
		s.parts = append(s.parts, int32(i))
		s.weights = append(s.weights, uint64(n))
	}
	if len(s.parts) == 0 {
		return int32(p.net.rnd.Below(uint64(len(p.queues))))
	}
	if equal || !p.cfg.adaptive {
		return s.parts[p.net.rnd.Below(uint64(len(s.parts)))]
	}
	sum := uint64(0)
	for i, n := range s.weights {
		sum += uint64(longest) + 1 - n
		s.weights[i] = sum
	}
	draw := p.net.rnd.Below(sum)
	for i, w := range s.weights {
		if draw < w {
			return s.parts[i]
		}
	}
	return s.parts[len(s.parts)-1]
}
