package pluginserver_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"kong-plugin-auth-diagnosis/pkg/pluginserver"
)

func TestFrameReader(t *testing.T) {
	stream := bytes.Join([][]byte{
		pluginserver.Frame("abc"), pluginserver.Frame(""), pluginserver.Frame(strings.Repeat("x", 10_000)), pluginserver.Frame("z"),
	}, nil)
	for name, r := range map[string]io.Reader{
		"whole":      bytes.NewReader(stream),
		"byte-wise":  iotest.OneByteReader(bytes.NewReader(stream)),
		"half reads": iotest.HalfReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			f := pluginserver.FrameReader(r)
			if got, err := f.Next(3); string(got) != "abc" || err != nil {
				t.Errorf("at the limit: got %q, %v", got, err)
			}
			if got, err := f.Next(0); len(got) != 0 || err != nil {
				t.Errorf("empty frame: got %q, %v", got, err)
			}
			if _, err := f.Next(9_999); !errors.Is(err, pluginserver.ErrOversized) {
				t.Errorf("over the limit: got %v, expected an oversized frame", err)
			}
			if n := f.Held(); n > 8<<10 {
				t.Errorf("an oversized frame was stored: %d bytes", n)
			}
			if got, err := f.Next(100); string(got) != "z" || err != nil {
				t.Errorf("behind an oversized frame: got %q, %v", got, err)
			}
			if _, err := f.Next(100); err != io.EOF {
				t.Errorf("end: got %v, expected EOF", err)
			}
		})
	}
}

func TestFrameReaderSkips(t *testing.T) {
	stream := append(pluginserver.Frame("abcdef"), pluginserver.Frame("z")...)
	f := pluginserver.FrameReader(bytes.NewReader(stream))
	if err := f.Skip(5); !errors.Is(err, pluginserver.ErrOversized) {
		t.Errorf("got %v, expected an oversized frame", err)
	}
	if got, err := f.Next(9); string(got) != "z" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFrameLengthIsNotTrusted(t *testing.T) {
	for name, head := range map[string]string{
		"1 GiB, within the limit": "\x00\x00\x00\x40",
		"4 GiB":                   "\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			f := pluginserver.FrameReader(strings.NewReader(head + "only this"))
			_, err := f.Next(1 << 30)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, expected an unexpected EOF", err)
			}
			if n := f.Held(); n > 8<<10 {
				t.Errorf("9 bytes of a frame took %d bytes", n)
			}
		})
	}
}

func TestFrameCutInItsLength(t *testing.T) {
	if _, err := pluginserver.FrameReader(strings.NewReader("\x01\x00")).Next(9); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v, expected an unexpected EOF", err)
	}
}
