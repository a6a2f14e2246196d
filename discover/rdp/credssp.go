package rdp

import (
	"io"

	"kenshin/discover/internal/talk"
)

// tsRequest wraps an NTLM message into a TSRequest of version 6 (MS-CSSP 2.2.1).
func tsRequest(token []byte) []byte {
	version := der(0xa0, []byte{0x02, 1, 6})
	tokens := der(0xa1, der(0x30, der(0x30, der(0xa0, der(0x04, token)))))
	return der(0x30, append(version, tokens...))
}

// der writes one element; our tokens stay far below 64 KiB.
func der(tag byte, content []byte) []byte {
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	}
	return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
}

// element reads one DER SEQUENCE from the stream.
func element(r io.Reader) ([]byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	if head[0] != 0x30 {
		return nil, talk.ErrOther
	}
	n := int(head[1])
	if n >= 0x80 {
		size := make([]byte, n&0x7f)
		if len(size) < 1 || len(size) > 2 {
			return nil, talk.ErrTooMuch
		}
		if _, err := io.ReadFull(r, size); err != nil {
			return nil, err
		}
		n = 0
		for _, b := range size {
			n = n<<8 | int(b)
		}
	}
	if n > 16*1024 {
		return nil, talk.ErrTooMuch
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}
