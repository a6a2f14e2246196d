package identify

import (
	"fmt"

	"kenshin/fault"
)

// Check reads a file of rules as Load would, and says how many it holds or what is wrong with which rule.
func Check(file []byte) (rules int, err error) {
	list, err := parse(file)
	if err != nil {
		return 0, wrongRules(err)
	}
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.ID] {
			return 0, wrongRules(fmt.Errorf("rule %s stands in it twice", r.ID))
		}
		seen[r.ID] = true
	}
	return len(list), nil
}

func wrongRules(err error) error {
	return fault.Wrap(fault.Invalid, err, "判定規則のファイルが正しくありません: "+err.Error(), "The file of rules is not right: "+err.Error())
}
