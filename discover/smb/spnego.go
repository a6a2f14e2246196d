package smb

// spnego wraps a first NTLM message into a NegTokenInit that offers NTLMSSP only (RFC 4178 section 4.2.1, MS-SPNG).
func spnego(token []byte) []byte {
	oidSPNEGO := []byte{0x06, 6, 0x2b, 6, 1, 5, 5, 2}
	oidNTLM := []byte{0x06, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10}
	types := der(0xa0, der(0x30, oidNTLM))
	mech := der(0xa2, der(0x04, token))
	return der(0x60, append(oidSPNEGO, der(0xa0, der(0x30, append(types, mech...)))...))
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
