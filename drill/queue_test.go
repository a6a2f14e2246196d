package drill

import (
	"testing"
	"time"

	"kenshin/internal/dbtest"
	"kenshin/store"
)

// A mail that was asked for with a key is queued once, also after it went out: whoever asks again at a retry must not mail somebody twice.
func TestTheSameKeyIsMailedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, 1)
		ask := func(key string) {
			r.must(db.Write(t.Context(), r.f, func(tx *store.Tx) error {
				return r.queueMail(t.Context(), tx, kindAnswer, "", "report:x", key, plainMail{To: staffAddress(0), Subject: "お返事", Text: "ありがとうございます。\n"}, r.stamp())
			}))
		}
		ask("answer:1")
		ask("answer:1")
		r.sendAll(20 * time.Second)
		if r.sink.Count() != 1 {
			t.Fatalf("%d mails before", r.sink.Count())
		}
		ask("answer:1")
		r.sendAll(20 * time.Second)
		if r.sink.Count() != 1 {
			t.Errorf("after it went out the same key made %d mails", r.sink.Count())
		}
		ask("answer:2")
		r.sendAll(20 * time.Second)
		if r.sink.Count() != 2 {
			t.Errorf("another key is another mail: %d", r.sink.Count())
		}
	})
}
