package memory_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"kong-plugin-auth-diagnosis/pkg/ratelimit"
	"kong-plugin-auth-diagnosis/pkg/ratelimit/memory"
)

// seal puts a checksum to what a test made up.
func seal(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func refused(t *testing.T, name string, file []byte) {
	t.Helper()
	l := memory.New(start, memory.Options{MaxKeys: 1000})
	if err := l.Decode(start, file); !errors.Is(err, memory.ErrSnapshot) {
		t.Errorf("%s: expected %v, got %v", name, memory.ErrSnapshot, err)
	}
	if n := l.Stats(); n != (memory.Stats{}) {
		t.Errorf("%s: a damaged file left %+v", name, n)
	}
}

func TestDamagedFileIsRefusedAsAWhole(t *testing.T) {
	file := snapshot(t)
	for n := range file {
		refused(t, "torn", file[:n])
		flipped := bytes.Clone(file)
		flipped[n] ^= 0x10
		refused(t, "a bit flipped", flipped)
	}
	refused(t, "longer", append(bytes.Clone(file), 0))
	refused(t, "another program's", bytes.Repeat([]byte("other text\n"), 100))
}

// Whoever made a file with the right checksum may still have made it wrong.
func TestFileWithImpossibleNumbersIsRefused(t *testing.T) {
	head := binary.AppendVarint([]byte("auth-diagnosis counters 1\n"), start.Unix())
	digest := make([]byte, ratelimit.DigestSize)
	day := func(used uint64, number, end int64) []byte {
		b := append([]byte{2}, digest...)
		return binary.AppendVarint(binary.AppendVarint(binary.AppendUvarint(b, used), number), end)
	}
	hour := func(used uint64, next byte) []byte {
		return append(binary.AppendUvarint(append([]byte{4}, digest...), used), next)
	}
	good := day(5, 0, 3600)
	whole := func(parts ...[]byte) []byte {
		return seal(append(bytes.Join(append([][]byte{head}, parts...), nil), 0))
	}
	if err := memory.New(start, memory.Options{}).Decode(start, whole(good, hour(5, 1))); err != nil {
		t.Fatalf("a good file: %v", err)
	}
	for name, file := range map[string][]byte{
		"version":             seal(append(binary.AppendVarint([]byte("auth-diagnosis counters 2\n"), start.Unix()), 0)),
		"before the epoch":    seal(append(binary.AppendVarint([]byte("auth-diagnosis counters 1\n"), -1), 0)),
		"after all time":      seal(append(binary.AppendVarint([]byte("auth-diagnosis counters 1\n"), 1<<60), 0)),
		"unknown window":      whole(good, append([]byte{16}, digest...)),
		"no window":           whole(good, append([]byte{1}, digest...)),
		"nothing counted":     whole(good, day(0, 0, 3600)),
		"too much counted":    whole(good, day(ratelimit.MaxDay+1, 0, 3600)),
		"negative count":      whole(good, day(1<<63, 0, 3600)),
		"a day over":          whole(good, day(5, 0, 0)),
		"a day of a week":     whole(good, day(5, 0, 7*24*3600)),
		"a day a year ahead":  whole(good, day(5, 365, 3600)),
		"an hour too far":     whole(good, hour(5, 2)),
		"an hour of too many": whole(good, hour(ratelimit.MaxRate+1, 0)),
		"endless number":      whole(good, append([]byte{2}, bytes.Repeat([]byte{0xff}, 40)...)),
		"no end":              seal(append(bytes.Clone(head), good...)),
		"more after the end":  whole(good, []byte{0}, good),
	} {
		refused(t, name, file)
	}
}

// FuzzDecode reads any bytes as a file. What is read can be written, and is read
// again as the same.
func FuzzDecode(f *testing.F) {
	f.Add(snapshot(f))
	f.Add([]byte("auth-diagnosis counters 1\n"))
	body := snapshot(f)
	f.Add(body[:len(body)-4])
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range [][]byte{data, seal(bytes.Clone(data))} {
			type counted struct {
				key   ratelimit.Key
				state ratelimit.State
			}
			var all []counted
			err := memory.Decode(bytes.NewReader(file), int64(len(file)), func(k ratelimit.Key, s ratelimit.State) {
				all = append(all, counted{k, s})
			})
			if err != nil {
				if !errors.Is(err, memory.ErrSnapshot) || all != nil {
					t.Fatalf("%d counters, %v", len(all), err)
				}
				continue
			}
			if len(all) > len(file)/ratelimit.DigestSize {
				t.Fatalf("%d counters in %d bytes", len(all), len(file))
			}
			l := memory.New(start, memory.Options{MaxKeys: 64})
			if err := l.Decode(start, file); err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				before := c.state.Counts(start)
				if _, d := before.Spend(0, start, counting, utc.Day(start), 1); d.Day.Remaining < 0 || d.Day.Remaining > counting.Day {
					t.Fatalf("%+v gives %+v", c.state, d)
				}
			}
			var again bytes.Buffer
			if err := l.Encode(&again, start.Unix()); err != nil {
				t.Fatal(err)
			}
			second := memory.New(start, memory.Options{MaxKeys: 64})
			if err := second.Decode(start, again.Bytes()); err != nil || second.Stats() != l.Stats() {
				t.Fatalf("written again: %v, %+v, expected %+v", err, second.Stats(), l.Stats())
			}
		}
	})
}
