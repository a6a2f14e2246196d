package dock

// PackSchema names the form of a pack.
const PackSchema = "kenshin.pack/1"
