package sheet

import "kenshin/ledger"

func get(w *ledger.Word, key string) string { return w.Get(key) }

func wordKeys(w *ledger.Word) []string { return w.Keys() }
