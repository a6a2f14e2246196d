package web

import "kenshin/web/page"

func (v *visit) help() error {
	v.show(page.HelpPage(v.shell()))
	return nil
}
