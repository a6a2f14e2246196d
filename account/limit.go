package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"kenshin/fault"
	"kenshin/store"
)

// limit is how many tries are free before each further one waits twice as long as the one before.
type limit struct {
	free   int
	forget time.Duration // after so long without a try, counting starts again
}

var (
	perAccount = limit{free: 5, forget: 2 * time.Hour}
	perAddress = limit{free: 30, forget: 2 * time.Hour} // a hospital may sit behind one address
)

const longestWait = 15 * time.Minute

func (l limit) wait(failures int) time.Duration {
	over := failures - l.free
	if over <= 0 {
		return 0
	}
	if over > 10 { // 2^10 s is beyond the longest wait
		return longestWait
	}
	return min(time.Second<<over, longestWait)
}

// accountKey does not tell the address, and an unknown one is counted like a known one.
func accountKey(email string) string {
	sum := sha256.Sum256([]byte(email))
	return "account:" + hex.EncodeToString(sum[:16])
}

// addressKey takes an IPv6 network of /64 as one, since one machine owns all of it.
func addressKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return "address:" + a.String()
}

// try is one counted attempt. It counts as failed until it is taken back.
type try struct {
	name  string
	until int64 // the block that it set
}

// attempt counts a try before it is made, so that many at once cannot outrun the count. It fails with Busy while the name has to wait.
func (s *Service) attempt(ctx context.Context, name string, l limit) (try, error) {
	now := s.now()
	t := try{name: name}
	err := s.db.WriteShared(ctx, func(tx *store.Shared) error {
		var failures int
		var blocked int64
		err := tx.Row(ctx, `INSERT INTO account_attempts (name, failures, last_at, blocked_until) VALUES ($1, 1, $2, 0)
			ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at,
				failures = CASE WHEN account_attempts.last_at < $3 THEN 1 ELSE account_attempts.failures + 1 END
			RETURNING failures, blocked_until`, name, store.Micros(now), store.Micros(now.Add(-l.forget))).Scan(&failures, &blocked)
		if err != nil {
			return fmt.Errorf("count a sign-in: %w", err)
		}
		if until := store.Time(blocked); until.After(now) && until.Sub(now) <= longestWait { // further ahead: by a clock that was set back since
			return tooMany(until.Sub(now)) // rolls the count back: waiting is not a try
		}
		if w := l.wait(failures); w > 0 {
			t.until = store.Micros(now.Add(w))
		}
		_, err = tx.Exec(ctx, "UPDATE account_attempts SET blocked_until = $2 WHERE name = $1", name, t.until)
		return err
	})
	return t, err
}

func tooMany(wait time.Duration) error {
	seconds := int((wait + time.Second - 1) / time.Second)
	return fault.Newf(fault.Busy, "続けて失敗したため、%d秒待ってからもう一度試してください。パスキーならすぐに入れます。",
		"Too many failed tries. Wait %d seconds and try again; a passkey works at once.", seconds)
}

// attempts counts a try for the account and the address.
func (s *Service) attempts(ctx context.Context, email string, from From) ([]try, error) {
	a, err := s.attempt(ctx, addressKey(from.Address), perAddress)
	if err != nil {
		return nil, err
	}
	b, err := s.attempt(ctx, accountKey(email), perAccount)
	return []try{a, b}, err
}

// takeBack uncounts tries that did not fail, with the block that they set; failures before them still count.
func takeBack(ctx context.Context, tx *store.Shared, tries []try) error {
	for _, t := range tries {
		_, err := tx.Exec(ctx, `UPDATE account_attempts SET failures = CASE WHEN failures > 0 THEN failures - 1 ELSE 0 END,
			blocked_until = CASE WHEN blocked_until = $2 THEN 0 ELSE blocked_until END WHERE name = $1`, t.name, t.until)
		if err != nil {
			return err
		}
	}
	return nil
}
