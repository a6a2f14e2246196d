package authority

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/store"
)

// Sealer keeps the root's key unreadable in the database (seal.Box).
type Sealer interface {
	Seal(f facility.ID, purpose string, plain []byte) ([]byte, error)
	Open(f facility.ID, purpose string, sealed []byte) ([]byte, error)
}

const (
	current    = "current"
	keyPurpose = "authority-key"
)

// Open returns the installation's authority. The first call makes it, for names (see LocalNames); of several copies that start at once
// one makes it and all use it.
func Open(ctx context.Context, db *store.DB, box Sealer, names []string, now func() time.Time) (*Authority, error) {
	a, err := read(ctx, db, box, now)
	if !errors.Is(err, sql.ErrNoRows) {
		return a, err
	}
	if err := save(ctx, db, box, names, now(), "DO NOTHING"); err != nil {
		return nil, err
	}
	return read(ctx, db, box, now)
}

// Replace makes a new root, which must be brought to the PCs again. Other copies use it after a restart.
func Replace(ctx context.Context, db *store.DB, box Sealer, names []string, now func() time.Time) (*Authority, error) {
	if err := save(ctx, db, box, names, now(),
		"DO UPDATE SET cert = excluded.cert, secret = excluded.secret, created_at = excluded.created_at"); err != nil {
		return nil, err
	}
	return read(ctx, db, box, now)
}

func save(ctx context.Context, db *store.DB, box Sealer, names []string, now time.Time, conflict string) error {
	der, key, err := newRoot(names, now)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write the authority's key: %w", err)
	}
	sealed, err := box.Seal("", keyPurpose, raw)
	if err != nil {
		return err
	}
	return db.WriteShared(ctx, func(tx *store.Shared) error {
		_, err := tx.Exec(ctx, "INSERT INTO seal_authority (name, cert, secret, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) "+conflict,
			current, der, sealed, store.Micros(now))
		return err
	})
}

func read(ctx context.Context, db *store.DB, box Sealer, now func() time.Time) (*Authority, error) {
	var der, sealed []byte
	err := db.ReadShared(ctx, func(tx *store.Shared) error {
		return tx.Row(ctx, "SELECT cert, secret FROM seal_authority WHERE name = $1", current).Scan(&der, &sealed)
	})
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	raw, err := box.Open("", keyPurpose, sealed)
	if err != nil {
		return nil, err
	}
	root, err1 := x509.ParseCertificate(der)
	parsed, err2 := x509.ParsePKCS8PrivateKey(raw)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err := errors.Join(err1, err2); err != nil || !ok || !key.PublicKey.Equal(root.PublicKey) {
		return nil, fault.Wrap(fault.Internal, err, "Kenshinの認証局のデータが壊れているか、書き換えられています。バックアップから戻すか、作り直してください。",
			"The data of Kenshin's authority is damaged or was altered. Restore it from a backup or replace it.")
	}
	return &Authority{root: root, key: key, now: now}, nil
}
