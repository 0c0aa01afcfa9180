package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A Format is how an archive is written.
type Format string

// The formats. Auto stands for that which the archive's beginning shows.
const (
	Auto    Format = "auto"
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
	Syslog  Format = "syslog"  // lines of a syslog daemon
	Journal Format = "journal" // journald's export
	Capture Format = "pcap"    // packets, in pcap or pcapng
)

// Formats are the names of all.
var Formats = []string{string(Auto), string(CSV), string(NDJSON), string(Syslog), string(Journal), string(Capture)}

// unpacked returns what reads an archive that may be compressed by gzip or zstd.
func unpacked(from io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(from, 64<<10)
	magic, _ := b.Peek(4)
	var in io.Reader
	var err error
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		in, err = gzip.NewReader(b)
	case bytes.Equal(magic, []byte("\x28\xb5\x2f\xfd")):
		in, err = zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	default:
		return b, nil
	}
	if err != nil {
		return nil, &HeaderError{"is compressed, but can't be unpacked: " + err.Error(), "fetch it anew: it isn't whole"}
	}
	return in, nil
}

// open begins to read an archive in a format.
func open(format Format, l *lines) (recordReader, error) {
	l.skipBOM()
	if format == Auto {
		var err error
		if format, err = detect(l); err != nil {
			return nil, err
		}
	}
	switch format {
	case NDJSON:
		return &objects{lines: l}, nil
	case Syslog:
		return &daemonLines{lines: l}, nil
	case Journal:
		return &journal{lines: l}, nil
	case Capture:
		return newCapture(l.from)
	}
	return newTable(l)
}

// detect finds out in which of the formats an archive is written.
func detect(l *lines) (Format, error) {
	if start, _ := l.from.Peek(4); isCapture(start) {
		return Capture, nil
	}
	first, err := l.first()
	switch {
	case errors.Is(err, io.EOF):
		return "", &HeaderError{"is empty", headerHint + ", or write one JSON object a line"}
	case err != nil:
		return "", err
	}
	switch first {
	case '{':
		return NDJSON, nil
	case '[':
		return "", &HeaderError{"is a JSON array", "write one object a line, as jq -c '.[]' does"}
	}
	start, _ := l.from.Peek(len(journalBegin))
	if string(start) == journalBegin {
		return Journal, nil
	}
	if start, _ := l.from.Peek(64); beginsWithReceipt(start) {
		return Syslog, nil
	}
	return CSV, nil
}
