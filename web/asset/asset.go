// Package asset serves what a browser loads beside a page: the bundle that web/bundle makes from app.ts and app.css, or, where no
// npm has run, the committed style sheet alone, with which every page is complete as plain HTML.
package asset

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed all:dist
var dist embed.FS

//go:embed app.css icon.svg
var source embed.FS

// Prefix is the path under which Handler serves.
const Prefix = "/assets/"

type file struct {
	body []byte
	hash string
	mime string
}

var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
}

// files are the embedded files by name, the bundle's before the source's.
var files = sync.OnceValue(func() map[string]file {
	all := map[string]file{}
	add := func(fsys fs.FS, dir string) {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return
		}
		for _, e := range entries {
			mime, known := types[path.Ext(e.Name())]
			body, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
			if err != nil || !known {
				continue
			}
			sum := sha256.Sum256(body)
			all[e.Name()] = file{body: body, hash: hex.EncodeToString(sum[:6]), mime: mime}
		}
	}
	add(source, ".")
	add(dist, "dist")
	return all
})

// Present reports whether the bundle was built in. Without it pages work as plain HTML; the server says so once in its log.
func Present() bool { return Has("app.js") }

// Has reports whether a file is there.
func Has(name string) bool {
	_, ok := files()[name]
	return ok
}

// URL returns the address of a file with the hash of its content in it, so that a browser may keep it for ever. "" when it is absent.
func URL(name string) string {
	f, ok := files()[name]
	if !ok {
		return ""
	}
	return Prefix + f.hash + "/" + name
}

// Handler serves GET /assets/HASH/NAME. An address with an old hash gets the present file, but may not be kept.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
		f, ok := files()[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.mime)
		h.Set("ETag", `"`+f.hash+`"`)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		if hash == f.hash {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if r.Header.Get("If-None-Match") == `"`+f.hash+`"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method != http.MethodHead {
			_, _ = w.Write(f.body)
		}
	})
}
