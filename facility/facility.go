// Package facility names the hospital or clinic that a fact belongs to.
package facility

// ID identifies one facility (UUIDv7 text). It is the first column of every key.
type ID string
