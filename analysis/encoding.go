package analysis

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrDamaged is returned for an encoded state that fails its checksum.
var ErrDamaged = errors.New("analysis: encoded state is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary appends the encoded state: a version, the content, and a CRC32C of
// both. It never fails. The same state always gives the same bytes.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	e := &encoder{b: b}
	e.byte(stateVersion)
	e.state(s)
	return binary.LittleEndian.AppendUint32(e.b, crc32.Checksum(e.b[len(b):], castagnoli)), nil
}

// UnmarshalBinary reads an encoded state. It fails with ErrDamaged when the checksum
// is wrong, and with another error for an encoding of another version.
func (s *State) UnmarshalBinary(b []byte) error {
	n := len(b) - crc32.Size
	if n < 1 || crc32.Checksum(b[:n], castagnoli) != binary.LittleEndian.Uint32(b[n:]) {
		return ErrDamaged
	}
	d := &decoder{b: b[:n]}
	d.version()
	read := d.state()
	if d.err == nil {
		*s = *read
	}
	return d.err
}
