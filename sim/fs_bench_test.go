package sim

import "testing"

// BenchmarkAppendRef appends a header and a shared 1 KiB payload, as a broker's log does.
func BenchmarkAppendRef(b *testing.B) {
	w, d := diskWorld(1, "", testSpec)
	header, payload := w.Arena.Put(make([]byte, 61)), w.Arena.Put(make([]byte, 1024))
	f, _ := d.FS().Create("log")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%100_000 == 0 { // a new segment
			f, _ = d.FS().Create("log")
			_ = f.SyncNow()
		}
		_ = f.Append(header, payload)
	}
}

// BenchmarkReadRefs reads 64 KiB from a segment of 200,000 extents.
func BenchmarkReadRefs(b *testing.B) {
	w, d := diskWorld(1, "", testSpec)
	header, payload := w.Arena.Put(make([]byte, 61)), w.Arena.Put(make([]byte, 1024))
	f, _ := d.FS().Create("log")
	for range 100_000 {
		_ = f.Append(header, payload)
	}
	var refs []Ref
	size := f.Size() - 65536
	at := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		refs, _ = f.Read(at, 65536, refs[:0])
		at = (at + 7919*1085) % size
	}
}

// BenchmarkStore20B stores entries of a consume queue in a pre-sized file.
func BenchmarkStore20B(b *testing.B) {
	_, d := diskWorld(1, "", testSpec)
	const size = 6_000_000
	var f *File
	at := int64(size)
	entry := make([]byte, 20)
	b.ReportAllocs()
	for b.Loop() {
		if at == size {
			f, _ = d.FS().Create("cq")
			_ = f.Allocate(size)
			at = 0
		}
		f.Store(at, entry)
		if at += 20; at%100_000 == 0 {
			_ = f.SyncNow()
		}
	}
}

// BenchmarkDirAppend16K appends 16 KiB to a real file.
func BenchmarkDirAppend16K(b *testing.B) {
	w, d := diskWorld(1, b.TempDir(), testSpec)
	payload := w.Arena.Put(make([]byte, 16<<10))
	f, _ := d.FS().Create("log")
	b.SetBytes(16 << 10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%4096 == 0 {
			f, _ = d.FS().Create("log")
		}
		_ = f.Append(payload)
	}
	if err := w.CloseDisks(); err != nil {
		b.Fatal(err)
	}
}
