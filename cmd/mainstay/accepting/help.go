package accepting

// help says what accepting is, on a node and everywhere.
const help = "accept COMMIT takes the newest commit of a branch whose history was rewritten, which an agent\n" +
	"refuses by itself. Signature and contents are checked all the same. Run it on every node. A\n" +
	"commit that renames the deployment or a node's role, or makes a role exclusive, leaves the\n" +
	"claim behind that says who serves: state what you saw on both sides with --attest. What serves\n" +
	"stops at once then, and starts again once it has a claim under the new name.\n\n" +
	"accept --claim vouches for a claim that went back because the repository was restored from a\n" +
	"backup or the ref was deleted: it is put above the highest number ever seen. State\n" +
	"what you checked: that nothing serves which this node does not know of.\n\n" +
	"With --everywhere it is done from anywhere: it shows what each node would take, signs a note with\n" +
	"your git's own signing key, pushes it beside the reports in the document's repository, and follows.\n" +
	"A node obeys if it trusts your key (verify.allowedSigners in its agent file; under verify.policy\n" +
	"for every field), if the note names what it goes by and sees at that moment, once, and before\n" +
	"the note's end. Nodes that were not heard are not in it. A note about a commit that renames\n" +
	"the deployment lies under the old name, which the nodes go by until they obey.\n"

// examples are ways to accept.
const examples = "  mainstay accept 3f2a91c07d11\n" +
	"  mainstay accept 3f2a91c07d11 --attest \"standby is down, seen by me\"\n" +
	"  mainstay accept --claim --attest \"restored from Monday, standby seen down\"\n" +
	"  mainstay accept --everywhere --attest \"git was restored from Monday\"\n" +
	"  mainstay accept --everywhere --claim --attest \"standby seen down\""
