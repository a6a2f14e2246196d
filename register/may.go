package register

import (
	"fmt"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/trail"
)

// MayRead reports whether a role may read a register. Names of people are for those who keep or audit the registers.
func (k Kind) MayRead(r actor.Role) bool {
	return r.May(actor.SeeAssess) && (!k.Private || r.May(actor.EditAssess) || r.May(actor.Export))
}

// MayWrite: departments write in the registers that are theirs.
func (k Kind) MayWrite(r actor.Role) bool {
	return r.May(actor.EditAssess) || k.Departments && r.May(actor.KeepRegister)
}

// Allow refuses a role that may not read a register, or not write in it.
func (k Kind) Allow(r actor.Role, write bool) error {
	switch {
	case !k.MayRead(r):
		return fault.New(fault.Denied, "この記録簿には個人の名前があるため、あなたの役割では見られません。", "This register holds people's names; your role may not read it.")
	case write && !k.MayWrite(r):
		return fault.New(fault.Denied, "この記録簿は情報担当が書きます。直したいことを情報担当に伝えてください。", "This register is kept by the administrators. Tell them what to change.")
	}
	return nil
}

// Deed is an entry of the trail about a row, or about the register where id is its own.
func (k Kind) Deed(id, action, ja, en string) trail.Entry {
	return trail.Entry{Action: "register." + action, Subject: trail.Subject{Kind: "register", ID: id}, Summary: i18n.Text{
		Ja: fmt.Sprintf("記録簿「%s」：%s", k.Title.Ja, ja), En: fmt.Sprintf("Register %s: %s", k.Title.En, en)}, Detail: map[string]string{"register": k.ID}}
}

// Took is the entry of the trail about rows that were taken in from a file.
func (k Kind) Took(d Taken, from string) trail.Entry {
	return k.Deed(k.ID, "import", fmt.Sprintf("%sから%d行を足し、%d行を直し、%d行を消しました", from, d.Added, d.Changed, d.Removed),
		fmt.Sprintf("from %s: added %d rows, changed %d, removed %d", from, d.Added, d.Changed, d.Removed))
}

// Exported is the entry of the trail about rows that were taken out as a file (xlsx, csv) or on paper.
func (k Kind) Exported(format string, rows int) trail.Entry {
	return k.Deed(k.ID, "export", fmt.Sprintf("%d行を書き出しました(%s)", rows, format), fmt.Sprintf("exported %d rows (%s)", rows, format))
}
