package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

var (
	errMissing = fault.New(fault.NotFound, "その添付ファイルはありません。", "There is no such attachment.")
	errDamaged = fault.New(fault.Internal, "添付ファイルが壊れています。バックアップから戻してください。", "The attachment is damaged. Restore it from a backup.")
)

// Put reads r to its end and keeps it. Every chunk is a short transaction of its own; the file appears when the last one is stored, and
// what was begun and never finished is dropped by Sweep.
func Put(ctx context.Context, db *store.DB, f facility.ID, name string, r io.Reader) (File, error) {
	who := actor.From(ctx)
	x := File{ID: store.NewID(), Name: cleanName(name), Created: time.Now().UTC().Truncate(time.Microsecond), ByID: who.ID, By: who.Name}
	err := put(ctx, db, f, &x, r)
	if err != nil { // whatever broke, nothing half stays; ctx may be over
		return File{}, errors.Join(err, Remove(context.WithoutCancel(ctx), db, f, x.ID))
	}
	return x, nil
}

func put(ctx context.Context, db *store.DB, f facility.ID, x *File, r io.Reader) error {
	err := db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO blob_files (facility_id, id, name, media_type, size, sha256, created_at, by_id, by_name)
			VALUES ($1, $2, $3, '', 0, '', $4, $5, $6)`, x.ID, x.Name, store.Micros(x.Created), x.ByID, x.By)
		return err
	})
	if err != nil {
		return err
	}
	sum := sha256.New()
	var head []byte
	ooxml := false
	buf := make([]byte, chunkSize)
	for n := 0; ; n++ {
		got, rerr := io.ReadFull(r, buf)
		if rerr != nil && !errors.Is(rerr, io.EOF) && !errors.Is(rerr, io.ErrUnexpectedEOF) {
			return fault.Wrap(fault.Invalid, rerr, "ファイルの受け取りが途中で切れました。もう一度送ってください。", "The file broke off while it came in. Send it again.")
		}
		if got > 0 {
			if x.Size += int64(got); x.Size > MaxSize {
				return fault.Newf(fault.TooLarge, "添付ファイルは%d MBまでです。", "An attachment has at most %d MB.", MaxSize>>20)
			}
			if head == nil {
				head = append(head, buf[:min(got, sniffed)]...)
			}
			ooxml = ooxml || bytes.Contains(buf[:got], contentTypes)
			sum.Write(buf[:got])
			err := db.Write(ctx, f, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO blob_chunks (facility_id, file_id, n, data) VALUES ($1, $2, $3, $4)", x.ID, n, buf[:got])
				return err
			})
			if err != nil {
				return err
			}
		}
		if rerr != nil {
			break
		}
	}
	x.MediaType, x.SHA256 = mediaType(x.Name, head, ooxml), hex.EncodeToString(sum.Sum(nil))
	return db.Write(ctx, f, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE blob_files SET media_type = $3, size = $4, sha256 = $5 WHERE facility_id = $1 AND id = $2",
			x.ID, x.MediaType, x.Size, x.SHA256)
		if err == nil && n == 0 { // swept: it took more than a day
			err = errMissing
		}
		return err
	})
}

// Get returns an attachment's description inside a transaction.
func Get(ctx context.Context, tx *store.Tx, id string) (File, error) {
	x := File{ID: id}
	var created int64
	err := tx.Row(ctx, `SELECT name, media_type, size, sha256, created_at, by_id, by_name FROM blob_files WHERE facility_id = $1 AND id = $2 AND sha256 <> ''`,
		id).Scan(&x.Name, &x.MediaType, &x.Size, &x.SHA256, &created, &x.ByID, &x.By)
	x.Created = store.Time(created)
	if errors.Is(err, sql.ErrNoRows) {
		return x, errMissing
	}
	return x, err
}

// Reader reads an attachment chunk by chunk; it can seek, as http.ServeContent wants. A read from start to end checks the content's hash.
type Reader struct {
	File
	ctx   context.Context //nolint:containedctx // a Reader lives as long as one request
	db    *store.DB
	f     facility.ID
	at    int64
	chunk []byte
	n     int64 // which chunk is held, -1 none
	sum   interface {
		io.Writer
		Sum([]byte) []byte
	}
	summed int64
}

// Open finds an attachment for reading.
func Open(ctx context.Context, db *store.DB, f facility.ID, id string) (*Reader, error) {
	r := &Reader{ctx: ctx, db: db, f: f, n: -1, sum: sha256.New()}
	err := db.Read(ctx, f, func(tx *store.Tx) (err error) {
		r.File, err = Get(ctx, tx, id)
		return err
	})
	return r, err
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at >= r.Size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.load(r.at / chunkSize); err != nil {
		return 0, err
	}
	n := copy(p, r.chunk[r.at%chunkSize:])
	if r.summed == r.at {
		r.sum.Write(p[:n]) //nolint:errcheck // a hash takes everything
		if r.summed += int64(n); r.summed == r.Size && hex.EncodeToString(r.sum.Sum(nil)) != r.SHA256 {
			return 0, errDamaged
		}
	}
	r.at += int64(n)
	return n, nil
}

func (r *Reader) load(n int64) error {
	if r.n == n {
		return nil
	}
	err := r.db.Read(r.ctx, r.f, func(tx *store.Tx) error {
		r.chunk = nil
		return tx.Row(r.ctx, "SELECT data FROM blob_chunks WHERE facility_id = $1 AND file_id = $2 AND n = $3", r.ID, n).Scan(&r.chunk)
	})
	r.n = n
	if errors.Is(err, sql.ErrNoRows) || (err == nil && int64(len(r.chunk)) != min(chunkSize, r.Size-n*chunkSize)) {
		r.n = -1
		return errDamaged
	}
	if err != nil {
		r.n = -1
		return fmt.Errorf("read an attachment: %w", err)
	}
	return nil
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.Size
	}
	if offset < 0 {
		return 0, errors.New("blob: seek before the start")
	}
	r.at = offset
	return offset, nil
}

// Remove deletes an attachment, a chunk a transaction's worth at a time. An unknown id is no error.
func Remove(ctx context.Context, db *store.DB, f facility.ID, id string) error {
	err := db.Write(ctx, f, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM blob_files WHERE facility_id = $1 AND id = $2", id)
		return err
	})
	for err == nil {
		var n int64
		err = db.Write(ctx, f, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `DELETE FROM blob_chunks WHERE facility_id = $1 AND file_id = $2 AND n IN
				(SELECT c.n FROM blob_chunks c WHERE c.facility_id = $1 AND c.file_id = $2 ORDER BY c.n LIMIT 8)`, id)
			return err
		})
		if n == 0 {
			break
		}
	}
	return err
}

// Sweep drops files that were begun before the time and never finished (the process was killed). Returns how many.
func Sweep(ctx context.Context, db *store.DB, f facility.ID, before time.Time) (int, error) {
	var ids []string
	err := db.Read(ctx, f, func(tx *store.Tx) error {
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		}, "SELECT id FROM blob_files WHERE facility_id = $1 AND sha256 = '' AND created_at < $2 LIMIT 1000", store.Micros(before))
	})
	for _, id := range ids {
		if err == nil {
			err = Remove(ctx, db, f, id)
		}
	}
	return len(ids), err
}

// Expire drops finished files whose names begin with a mark and that were kept before the time: uploads that somebody looked at and never took over.
// Returns how many.
func Expire(ctx context.Context, db *store.DB, f facility.ID, mark string, before time.Time) (int, error) {
	var ids []string
	err := db.Read(ctx, f, func(tx *store.Tx) error {
		ids = nil
		return store.Each(ctx, tx, func(r *sql.Rows) error {
			var id, name string
			err := r.Scan(&id, &name)
			if strings.HasPrefix(name, mark) {
				ids = append(ids, id)
			}
			return err
		}, "SELECT b.id, b.name FROM blob_files b WHERE b.facility_id = $1 AND b.created_at < $2", store.Micros(before))
	})
	for _, id := range ids {
		if err == nil {
			err = Remove(ctx, db, f, id)
		}
	}
	return len(ids), err
}
