// Package words has the sentences of alerts, in English and French. It knows nothing of
// what they are about: what stands in them was made plain before.
package words

// English and French are the languages.
const (
	English = "en"
	French  = "fr"
)

// Sentence is one sentence in each language, with the same verbs in the same order.
type Sentence struct{ English, French string }

// In is the sentence in a language, English for one that is not spoken.
func (s Sentence) In(language string) string {
	if language == French {
		return s.French
	}
	return s.English
}

// Of returns a sentence by its name, empty when there is none.
func Of(name string) Sentence { return sentences()[name] }

// Names lists the names of all sentences.
func Names() []string {
	var out []string
	for name := range sentences() {
		out = append(out, name)
	}
	return out
}

// sentences are the subjects first: "began." and the event, "over." and the event. Each
// takes what it is about.
func sentences() map[string]Sentence {
	return map[string]Sentence{
		"began.switch":    {"switch from %s to %s begun", "bascule de %s vers %s commencée"},
		"over.switch":     {"switch from %s to %s done", "bascule de %s vers %s terminée"},
		"off.switch":      {"switch from %s to %s called off: %[1]s serves", "bascule de %s vers %s abandonnée : %[1]s est en service"},
		"began.late":      {"switch from %s to %s takes longer than it should", "la bascule de %s vers %s dure plus longtemps que prévu"},
		"over.late":       {"switch from %s to %s ended, late", "bascule de %s vers %s terminée, en retard"},
		"began.held":      {"%s waits", "%s attend"},
		"over.held":       {"%s waits no more", "%s n'attend plus"},
		"began.failed":    {"%s failed", "%s est en échec"},
		"over.failed":     {"%s is not Failed any more", "%s n'est plus en échec"},
		"began.unserved":  {"nobody is seen to serve %s", "personne n'est vu assurer %s"},
		"over.unserved":   {"%s is served again", "%s est de nouveau assuré"},
		"began.dual":      {"both sides serve, or may", "les deux côtés sont en service, ou peuvent l'être"},
		"over.dual":       {"nobody sees both sides serve any more", "personne ne voit plus les deux côtés en service"},
		"began.silent":    {"%s is not observed any more", "%s n'est plus observé"},
		"over.silent":     {"%s is heard again", "%s donne de nouveau signe de vie"},
		"began.document":  {"the newest commit is refused", "le dernier commit est refusé"},
		"over.document":   {"the newest commit is accepted", "le dernier commit est accepté"},
		"began.check":     {"check %[2]s fails on %[1]s", "le contrôle %[2]s échoue sur %[1]s"},
		"over.check":      {"check %[2]s is well again on %[1]s", "le contrôle %[2]s réussit de nouveau sur %[1]s"},
		"began.job":       {"job %[2]s failed or was missed on %[1]s", "la tâche %[2]s a échoué ou a été manquée sur %[1]s"},
		"over.job":        {"job %[2]s did well again on %[1]s", "la tâche %[2]s a de nouveau réussi sur %[1]s"},
		"began.paused":    {"%s is paused", "%s est en pause"},
		"over.paused":     {"%s is not paused any more", "%s n'est plus en pause"},
		"began.away":      {"standby serves still, by %s: go back when main is well", "standby est toujours en service, par %s : revenez quand main va bien"},
		"over.away":       {"standby does not serve any more (%s)", "standby n'est plus en service (%s)"},
		"began.condition": {"%s reports %s", "%s signale %s"},
		"over.condition":  {"%s does not report %s any more", "%s ne signale plus %s"},
		"test":            {"test of the alerts of %s: nothing is wrong", "essai des alertes de %s : tout va bien"},

		"still":     {"still: %s", "toujours : %s"},
		"said":      {"Said: %s", "Message : %s"},
		"commit":    {"Commit: %s, by %s", "Commit : %s, de %s"},
		"why":       {"Why: %s", "Pourquoi : %s"},
		"guarantee": {"Guarantee: %s (%s)", "Garantie : %s (%s)"},
		"took":      {"Took: %s", "Durée : %s"},
		"kept":      {"Took: %s, the objective of %s was kept", "Durée : %s, l'objectif de %s a été tenu"},
		"missed":    {"Took: %s, the objective of %s was missed", "Durée : %s, l'objectif de %s n'a pas été tenu"},
		"objective": {"Objective: %s", "Objectif : %s"},
		"since":     {"Since: %s", "Depuis : %s"},
		"by":        {"Told by: %s", "Signalé par : %s"},
		"left":      {"Left behind on %s: %s: %s (counted %s)", "Reste sur %s : %s : %s (compté %s)"},
		"failed":    {"What is left of %s on %s could not be counted: %s (tried %s)", "Ce qui reste de %s sur %s n'a pas pu être compté : %s (essayé %s)"},
		"uncounted": {"What is left of %s on %s has not been counted", "Ce qui reste de %s sur %s n'a pas été compté"},
		"more":      {"Counts of what is left behind that are not shown here: %d", "Comptes de ce qui reste, non montrés ici : %d"},
		"look":      {"Look: %s", "Voir : %s"},
		"page":      {"the web page", "la page web"},
		"nobody":    {"somebody who is not known here", "quelqu'un d'inconnu ici"},

		"means.released": {"the other side was seen down, and said so", "l'autre côté a été vu arrêté, et l'a dit"},
		"means.fenced":   {"a person stated in the document that the other side is off", "une personne a déclaré dans le document que l'autre côté est éteint"},
		"means.lease":    {"the other side's lease ran out, so its agent or its guard must have stopped it", "le bail de l'autre côté a expiré : son agent ou son gardien a dû l'arrêter"},
		"means.presumed": {"the other side was silent for handover.wait; it may be alive", "l'autre côté s'est tu pendant handover.wait ; il est peut-être en vie"},
		"means.attested": {"a person on the node vouched that the other side is off", "une personne sur le nœud s'est portée garante que l'autre côté est éteint"},
	}
}
