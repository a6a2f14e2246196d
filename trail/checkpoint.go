package trail

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// A checkpoint is a signed note (golang.org/x/mod/sumdb/note; the body is that of C2SP's tlog-checkpoint: origin, size, hash, then a
// line of our own with the time). Whoever keeps one outside the database can later prove a cut or rewritten log.

const (
	origin        = "kenshin-trail-1/"
	maxCheckpoint = 64 << 10
	beginMark     = "-----BEGIN KENSHIN CHECKPOINT-----"
	endMark       = "-----END KENSHIN CHECKPOINT-----"
	keyPurpose    = "trail-key"
)

// Sealer keeps the signing keys unreadable in the database (seal.Box).
type Sealer interface {
	Seal(f facility.ID, purpose string, plain []byte) ([]byte, error)
	Open(f facility.ID, purpose string, sealed []byte) ([]byte, error)
}

// Head is what a checkpoint says: at a time the log had Size entries, and the tree over them this hash.
type Head struct {
	Facility facility.ID
	Size     int64
	Hash     tlog.Hash
	At       time.Time
	Key      string // who signed, as in the note: name+hash
}

func (h Head) text() string {
	return origin + string(h.Facility) + "\n" + strconv.FormatInt(h.Size,
		10) + "\n" + h.Hash.String() + "\nat " + h.At.UTC().Format(time.RFC3339) + "\n"
}

func parseHead(text string) (Head, error) {
	bad := func(why string) (Head, error) { return Head{}, badCheckpoint(errors.New(why)) }
	lines := strings.Split(text, "\n")
	if len(lines) < 5 || !strings.HasPrefix(lines[0], origin) || lines[len(lines)-1] != "" {
		return bad("not the body of a Kenshin checkpoint")
	}
	h := Head{Facility: facility.ID(lines[0][len(origin):])}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > 1<<40 || strconv.FormatInt(size, 10) != lines[1] {
		return bad("the size is no number")
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(raw) != tlog.HashSize {
		return bad("the hash cannot be read")
	}
	h.Size, h.Hash = size, tlog.Hash(raw)
	if h.At, err = time.Parse("at "+time.RFC3339, lines[3]); err != nil {
		return bad("the time cannot be read")
	}
	return h, nil
}

func badCheckpoint(err error) error {
	return fault.Wrap(fault.Invalid, err, "封(チェックポイント)として読めません。メールや紙から写したときは、BEGIN から END までを1文字も変えずに渡してください。",
		"This cannot be read as a checkpoint. Pass everything from BEGIN to END, unchanged.")
}

// findNote takes a checkpoint out of a mail or a file: between the marks where there are marks, else the whole.
func findNote(msg []byte) ([]byte, error) {
	if len(msg) > maxCheckpoint {
		return nil, badCheckpoint(errors.New("longer than a checkpoint"))
	}
	text := strings.ReplaceAll(string(bytes.TrimPrefix(msg, []byte("\uFEFF"))), "\r\n", "\n")
	if i := strings.Index(text, beginMark); i >= 0 {
		text = text[i+len(beginMark):]
		j := strings.Index(text, endMark)
		if j < 0 {
			return nil, badCheckpoint(errors.New("the end mark is missing"))
		}
		text = text[:j]
	}
	return []byte(strings.TrimLeft(strings.TrimRight(text, " \n")+"\n", "\n")), nil
}

// parseCheckpoint reads a checkpoint and checks its signature with a verifier key (note's text form).
func parseCheckpoint(msg []byte, key string) (Head, error) {
	msg, err := findNote(msg)
	if err != nil {
		return Head{}, err
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return Head{}, fault.Wrap(fault.Invalid, err, "検証鍵を読めません。エクスポートや封(チェックポイント)のメールに書かれた鍵をそのまま渡してください。",
			"The verifier key cannot be read. Pass the key from the export or the checkpoint mail, unchanged.")
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
			return Head{}, errForeign
		}
		if _, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
			return Head{}, errForeign
		}
		return Head{}, badCheckpoint(err)
	}
	h, err := parseHead(n.Text)
	h.Key = fmt.Sprintf("%s+%08x", n.Sigs[0].Name, n.Sigs[0].Hash)
	return h, err
}

var errForeign = errors.New("signed with another key, or altered after it was signed")

// keys returns the facility's signing key and verifier key; the first call makes them.
func keys(ctx context.Context, tx *store.Tx, box Sealer, now time.Time) (signer note.Signer, public string, err error) {
	var sealed []byte
	err = tx.Row(ctx, "SELECT public, secret FROM trail_keys WHERE facility_id = $1").Scan(&public, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		secret, fresh, err := note.GenerateKey(rand.Reader, "kenshin-trail-"+string(tx.Facility()))
		if err != nil {
			return nil, "", fmt.Errorf("make the trail's key: %w", err)
		}
		if sealed, err = box.Seal(tx.Facility(), keyPurpose, []byte(fresh+"\n"+secret)); err != nil {
			return nil, "", err
		}
		_, err = tx.Exec(ctx, "INSERT INTO trail_keys (facility_id, public, secret, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (facility_id) DO NOTHING",
			fresh, sealed, store.Micros(now))
		if err != nil {
			return nil, "", err
		}
		// Another copy may have been faster: the row counts, not what this one made.
		err = tx.Row(ctx, "SELECT public, secret FROM trail_keys WHERE facility_id = $1").Scan(&public, &sealed)
		if err != nil {
			return nil, "", fmt.Errorf("read the trail's key: %w", err)
		}
	} else if err != nil {
		return nil, "", fmt.Errorf("read the trail's key: %w", err)
	}
	both, err := box.Open(tx.Facility(), keyPurpose, sealed)
	if err != nil {
		return nil, "", err
	}
	sealedPublic, secret, _ := strings.Cut(string(both), "\n")
	if sealedPublic != public {
		return nil, "", fault.New(fault.Internal, "操作記録の検証鍵が書き換えられています。kenshin trail verify で確かめ、バックアップと比べてください。",
			"The trail's verifier key was altered. Run kenshin trail verify and compare with the backup.")
	}
	signer, err = note.NewSigner(secret)
	return signer, public, err
}

// Checkpoint signs the present state of a facility's log. The text is to be kept outside this machine.
func Checkpoint(ctx context.Context, db *store.DB, box Sealer, f facility.ID, now time.Time) ([]byte, Head, error) {
	var text []byte
	var h Head
	err := db.Write(ctx, f, func(tx *store.Tx) error {
		signer, _, err := keys(ctx, tx, box, now)
		if err != nil {
			return err
		}
		if h, err = head(ctx, tx); err != nil {
			return err
		}
		h.At, h.Key = now.UTC().Truncate(time.Second), fmt.Sprintf("%s+%08x", signer.Name(), signer.KeyHash())
		text, err = note.Sign(&note.Note{Text: h.text()}, signer)
		return err
	})
	return text, h, err
}

// head computes the root from the stored hashes: about log2(n) of them are read.
func head(ctx context.Context, tx *store.Tx) (Head, error) {
	h := Head{Facility: tx.Facility()}
	var err error
	if h.Size, err = size(ctx, tx); err != nil {
		return h, err
	}
	h.Hash, err = tlog.TreeHash(h.Size, hashesIn(ctx, tx))
	if err != nil {
		return h, fmt.Errorf("hash the trail: %w", err)
	}
	return h, nil
}

// VerifierKey returns the public key that checkpoints of a facility are checked with; auditors keep it.
func VerifierKey(ctx context.Context, db *store.DB, box Sealer, f facility.ID, now time.Time) (key string, err error) {
	err = db.Write(ctx, f, func(tx *store.Tx) (err error) {
		_, key, err = keys(ctx, tx, box, now)
		return err
	})
	return key, err
}

// Daily makes the text that is mailed or printed once a day: what the log holds, the checkpoint, and what to do with it, in both
// languages. The whole text, as it arrived, can be given back to Verify.
func Daily(ctx context.Context, db *store.DB, box Sealer, f facility.ID, name string, now time.Time) (string, error) {
	key, err := VerifierKey(ctx, db, box, f, now)
	if err != nil {
		return "", err
	}
	cp, h, err := Checkpoint(ctx, db, box, f, now)
	if err != nil {
		return "", err
	}
	var today int64
	err = db.Read(ctx, f, func(tx *store.Tx) error {
		return tx.Row(ctx, "SELECT count(*) FROM trail_entries WHERE facility_id = $1 AND at >= $2",
			store.Micros(now.Add(-24*time.Hour))).Scan(&today)
	})
	if err != nil {
		return "", fmt.Errorf("count the day's entries: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Kenshin（ネットワーク健診） 「記録」の封(チェックポイント)\n施設: %s\n日時: %s\n記録: 全部で%d件、この24時間で%d件\n\n", name,
		now.Format("2006-01-02 15:04 MST"), h.Size, today)
	b.WriteString("このメール(紙)を、Kenshinの機械とは別の場所に残してください。操作記録が後から消されたり書き換えられたりしていないことを、\n" +
		"次のコマンドで確かめられます: kenshin trail verify --checkpoint このメールを保存したファイル\n\n")
	fmt.Fprintf(&b, "Checkpoint of the trail: %d entries, %d in the last 24 hours. Keep this outside the Kenshin machine; check with\n"+
		"kenshin trail verify --checkpoint FILE\n\nVerifier key: %s\n\n%s\n%s%s\n", h.Size, today, key, beginMark, cp, endMark)
	return b.String(), nil
}

// Root returns how many entries the log has, and the hash of the tree over them as checkpoints write it.
func Root(ctx context.Context, tx *store.Tx) (size int64, hash string, err error) {
	h, err := head(ctx, tx)
	return h.Size, h.Hash.String(), err
}
