package ipp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"kenshin/discover/internal/talk"
)

// Tags of RFC 8010 section 3.5.
const (
	tagOperation = 0x01
	tagEnd       = 0x03
	tagPrinter   = 0x04
	tagInteger   = 0x21
	tagBoolean   = 0x22
	tagEnum      = 0x23
	tagKeyword   = 0x44
	tagURI       = 0x45
	tagCharset   = 0x47
	tagLanguage  = 0x48
)

// Limits of a message.
const (
	maxAttributes = 100
	maxValues     = 20 // of one attribute
)

// wanted are the attributes that are asked for.
var wanted = []string{"printer-make-and-model", "printer-name", "printer-info", "printer-location", "printer-device-id",
	"printer-serial-number", "printer-firmware-string-version", "printer-state", "printer-uuid", "uri-security-supported",
	"uri-authentication-supported"}

// request is Get-Printer-Attributes in IPP 1.1, request id 1.
func request(uri string) []byte {
	b := []byte{1, 1, 0x00, 0x0b, 0, 0, 0, 1, tagOperation}
	b = attribute(b, tagCharset, "attributes-charset", "utf-8")
	b = attribute(b, tagLanguage, "attributes-natural-language", "en")
	b = attribute(b, tagURI, "printer-uri", uri)
	name := "requested-attributes"
	for _, w := range wanted {
		b = attribute(b, tagKeyword, name, w)
		name = "" // a further value of the same attribute
	}
	return append(b, tagEnd)
}

func attribute(b []byte, tag byte, name, value string) []byte {
	b = append(b, tag)
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

var errShort = errors.New("the message ends in the middle of an attribute")

// Parse reads an answer and returns the printer's attributes as texts. A message that is cut off gives what came before the cut, unless
// nothing came.
func Parse(b []byte) (map[string][]string, error) {
	if len(b) < 9 {
		return nil, errShort
	}
	if b[0] < 1 || b[0] > 2 {
		return nil, fmt.Errorf("version %d.%d: %w", b[0], b[1], talk.ErrOther)
	}
	switch status := binary.BigEndian.Uint16(b[2:]); {
	case status == 0x0406:
		return nil, errNotFound
	case status >= 0x0100:
		return nil, fmt.Errorf("the printer refuses with status %#04x", status)
	}
	attr, err := groups(b[8:])
	if len(attr) == 0 {
		if err == nil {
			err = errors.New("no attributes in the answer")
		}
		return nil, err
	}
	return attr, nil
}

// groups reads the attribute groups and keeps those of the printer.
func groups(b []byte) (map[string][]string, error) {
	attr := make(map[string][]string)
	var group byte
	name := ""
	for len(b) > 0 {
		tag := b[0]
		if tag < 0x10 { // a delimiter
			if tag == tagEnd {
				return attr, nil
			}
			group, name, b = tag, "", b[1:]
			continue
		}
		key, rest, err := counted(b[1:])
		if err != nil {
			return attr, err
		}
		value, rest, err := counted(rest)
		if err != nil {
			return attr, err
		}
		if b = rest; len(key) > 0 {
			name = string(key)
		}
		if group != tagPrinter || name == "" || len(attr[name]) >= maxValues || len(attr) >= maxAttributes {
			continue
		}
		if s, ok := text(tag, value); ok {
			attr[name] = append(attr[name], s)
		}
	}
	return attr, errShort
}

// counted takes a field with its length before it.
func counted(b []byte) (field, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n {
		return nil, nil, errShort
	}
	return b[2 : 2+n], b[2+n:], nil
}

// text writes a value; ok is false for kinds that say nothing in words, and for "unknown" and "no-value".
func text(tag byte, v []byte) (s string, ok bool) {
	switch {
	case (tag == tagInteger || tag == tagEnum) && len(v) == 4:
		return strconv.Itoa(int(int32(binary.BigEndian.Uint32(v)))), true
	case tag == tagBoolean && len(v) == 1:
		return strconv.FormatBool(v[0] != 0), true
	case tag == 0x35 || tag == 0x36: // textWithLanguage, nameWithLanguage: the language first
		_, rest, err := counted(v)
		if err != nil {
			return "", false
		}
		v, _, err = counted(rest)
		return talk.Text(v), err == nil
	case tag >= 0x40 && tag <= 0x4f:
		return talk.Text(v), true
	}
	return "", false
}
