package lab

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

var checksums = experiment{
	id:    "crc",
	title: Text{En: "What a checksum costs, beside copying the same bytes", Zh: "校验和的代价（与拷贝同样字节对比）"},
	lesson: Text{
		En: "With the processor's instructions a CRC runs at several GB/s, not far from a copy: no reason to leave it out. Kafka took the Castagnoli polynomial with batch format 2 for that.\nA polynomial without an instruction is several times slower; small messages pay relatively more for the call.",
		Zh: "借助处理器指令，CRC 可达数 GB/s，接近内存拷贝，没有理由省掉；Kafka 批格式 v2 因此选用 Castagnoli 多项式。\n没有专用指令的多项式要慢数倍；小消息的调用开销占比更高。",
	},
	run: func(b *bench) error {
		for _, size := range []int{1 << 10, 16 << 10} {
			data, to := noise(size), make([]byte, size)
			for _, c := range []struct {
				name string
				run  func()
			}{
				{"copy", func() { copy(to, data) }},
				{"crc32c", checksum(data, crc32.MakeTable(crc32.Castagnoli))},
				{"crc32-ieee", checksum(data, crc32.IEEETable)},
				{"crc32-tables", checksum(data, crc32.MakeTable(crc32.Koopman))},
			} {
				name := fmt.Sprintf("%s/%d-KiB", c.name, size>>10)
				if err := b.measure(plan{name: name, bytes: int64(size), step: func(int64) error { c.run(); return nil }}); err != nil {
					return err
				}
			}
		}
		return nil
	},
}

// sum keeps checksums from being optimised away.
var sum uint32

func checksum(data []byte, t *crc32.Table) func() { return func() { sum += crc32.Checksum(data, t) } }

var compression = experiment{
	id:    "compression",
	title: Text{En: "Compression codecs on batches of JSON messages", Zh: "压缩算法（JSON 消息批次）"},
	lesson: Text{
		En: "Producers compress whole batches because neighbours resemble each other: one message alone hardly shrinks. snappy, s2 and lz4 cost little; zstd is the smallest and unpacks faster than gzip.\nA broker that stores batches as they came pays nothing for it; one that must recompress pays for both directions.",
		Zh: "生产者按批压缩，因为相邻消息彼此相似，单条几乎压不小。snappy、s2、lz4 代价低；zstd 压得最小，解压也比 gzip 快。\nbroker 原样存储压缩批次则无开销；若需重新压缩，则两个方向都要付出。",
	},
	run: runCompression,
}

// codec is one way to compress, with its buffers.
type codec struct {
	name       string
	compress   func(dst, src []byte) ([]byte, error)
	decompress func(dst, src []byte) ([]byte, error)
}

// documents are messages of about 200 bytes, as services exchange them, joined to n bytes.
func documents(n int) []byte {
	var b bytes.Buffer
	var rnd draws
	status := []string{"created", "paid", "packed", "shipped"}
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `{"id":%d,"customer":"c-%06d","status":%q,"amount":%d.%02d,"currency":"EUR","items":[{"sku":"sku-%05d","count":%d}],"session":"%016x","at":"2026-11-22T10:%02d:%02d.%03dZ"}`+"\n",
			100000+i, rnd.below(1e6), status[rnd.below(4)], rnd.below(500), rnd.below(100), rnd.below(1e5), 1+rnd.below(9), rnd.next(), rnd.below(60), rnd.below(60), rnd.below(1000))
	}
	return b.Bytes()[:n]
}

func runCompression(b *bench) error {
	codecs, err := codecs()
	if err != nil {
		return err
	}
	for _, size := range []int{256, 16 << 10} {
		data := documents(size)
		for _, c := range codecs {
			small, err := c.compress(nil, data)
			if err != nil {
				return err
			}
			back, err := c.decompress(make([]byte, 0, size), small)
			if err != nil || !bytes.Equal(back, data) {
				return fmt.Errorf("%s does not give back what it got: %v", c.name, err)
			}
			ratio := Value{float64(size) / float64(len(small)), "ratio"}
			var out []byte
			err = b.measure(plan{name: fmt.Sprintf("%s/%d-B/compress", c.name, size), bytes: int64(size), extra: []Value{ratio}, step: func(int64) error {
				var err error
				out, err = c.compress(out[:0], data)
				return err
			}})
			if err != nil {
				return err
			}
			err = b.measure(plan{name: fmt.Sprintf("%s/%d-B/decompress", c.name, size), bytes: int64(size), step: func(int64) error {
				var err error
				back, err = c.decompress(back[:0], small)
				return err
			}})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// codecs are those of Kafka's compression.type, and s2, snappy's successor. zstd works on one thread, as
// a producer's does.
func codecs() ([]codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return []codec{
		{"snappy",
			func(dst, src []byte) ([]byte, error) { return snappy.Encode(dst[:cap(dst)], src), nil },
			func(dst, src []byte) ([]byte, error) { return snappy.Decode(dst[:cap(dst)], src) }},
		{"s2",
			func(dst, src []byte) ([]byte, error) { return s2.Encode(dst[:cap(dst)], src), nil },
			func(dst, src []byte) ([]byte, error) { return s2.Decode(dst[:cap(dst)], src) }},
		lz4Codec(),
		gzipCodec(),
		{"zstd",
			func(dst, src []byte) ([]byte, error) { return enc.EncodeAll(src, dst), nil },
			func(dst, src []byte) ([]byte, error) { return dec.DecodeAll(src, dst) }},
	}, nil
}

// lz4Codec writes blocks. What does not compress is stored: the library then gives 0 bytes.
func lz4Codec() codec {
	var c lz4.Compressor
	return codec{"lz4",
		func(dst, src []byte) ([]byte, error) {
			dst = grow(dst, lz4.CompressBlockBound(len(src)))
			n, err := c.CompressBlock(src, dst)
			if err == nil && n == 0 {
				err = lz4.ErrInvalidSourceShortBuffer
			}
			return dst[:n], err
		},
		func(dst, src []byte) ([]byte, error) {
			dst = dst[:cap(dst)]
			n, err := lz4.UncompressBlock(src, dst)
			return dst[:max(n, 0)], err
		}}
}

func gzipCodec() codec {
	var to bytes.Buffer
	w := gzip.NewWriter(&to)
	from := new(bytes.Reader)
	r := new(gzip.Reader)
	return codec{"gzip",
		func(dst, src []byte) ([]byte, error) {
			to.Reset()
			w.Reset(&to)
			if _, err := w.Write(src); err != nil {
				return nil, err
			}
			if err := w.Close(); err != nil {
				return nil, err
			}
			return append(dst, to.Bytes()...), nil
		},
		func(dst, src []byte) ([]byte, error) {
			from.Reset(src)
			if err := r.Reset(from); err != nil {
				return nil, err
			}
			to := bytes.NewBuffer(dst)
			_, err := io.Copy(to, r)
			return to.Bytes(), err
		}}
}

// grow gives a buffer its whole capacity, of at least n bytes.
func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:cap(b)]
}
