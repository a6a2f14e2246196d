package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/store"
)

// A ceremony is what must be remembered between a question to the browser and its answer. It lies in the database, sealed, as
// another copy may get the answer.

var errCeremony = fault.New(fault.Conflict, "時間切れです(5分)。もう一度はじめからやり直してください。", "This took too long (5 minutes). Start again.")

func (s *Service) beginCeremony(ctx context.Context, kind string, who actor.PersonID, data []byte) (string, error) {
	id, hash := secret("")
	sealed, err := s.box.Seal("", ceremonyPurpose(kind, who), data)
	if err != nil {
		return "", err
	}
	err = s.db.WriteShared(ctx, func(tx *store.Shared) error {
		_, err := tx.Exec(ctx, "INSERT INTO account_ceremonies (id, kind, person_id, data, expires_at) VALUES ($1, $2, $3, $4, $5)",
			hash, kind, string(who), sealed, store.Micros(s.now().Add(ceremonyLife)))
		return err
	})
	return id, err
}

func ceremonyPurpose(kind string, who actor.PersonID) string {
	return "ceremony:" + kind + ":" + string(who)
}

// ceremony reads one back; with end it is over, whatever comes of it.
func (s *Service) ceremony(ctx context.Context, kind string, who actor.PersonID, id string, end bool) ([]byte, error) {
	var sealed []byte
	err := s.db.WriteShared(ctx, func(tx *store.Shared) error {
		err := tx.Row(ctx, "SELECT data FROM account_ceremonies WHERE id = $1 AND kind = $2 AND person_id = $3 AND expires_at > $4",
			hashOf(id), kind, string(who), store.Micros(s.now())).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return errCeremony
		}
		if err != nil || !end {
			return err
		}
		return endCeremony(ctx, tx, id)
	})
	if err != nil {
		return nil, err
	}
	return s.box.Open("", ceremonyPurpose(kind, who), sealed)
}

// endCeremony fails when another request ended it first.
func endCeremony(ctx context.Context, tx *store.Shared, id string) error {
	n, err := tx.Exec(ctx, "DELETE FROM account_ceremonies WHERE id = $1", hashOf(id))
	if err == nil && n == 0 {
		err = errCeremony
	}
	return err
}

// keepCeremony stores the library's state and writes the question for the browser.
func (s *Service) keepCeremony(ctx context.Context, kind string, who actor.PersonID, state, question any) (string, []byte, error) {
	data, err := json.Marshal(state)
	if err != nil {
		return "", nil, fmt.Errorf("keep a ceremony: %w", err)
	}
	options, err := json.Marshal(question)
	if err != nil {
		return "", nil, fmt.Errorf("write a passkey question: %w", err)
	}
	id, err := s.beginCeremony(ctx, kind, who, data)
	return id, options, err
}

func (s *Service) takeCeremony(ctx context.Context, kind string, who actor.PersonID, id string, state any) error {
	data, err := s.ceremony(ctx, kind, who, id, true)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, state)
}
