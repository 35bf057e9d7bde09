package controller

// Rules are the behaviours of the controller in which versions differ. The zero value is what 3.9 does.
type Rules struct {
	// Unguarded (until 2.1, KAFKA-6082): writes of partition states are not tied to the controller epoch,
	// so one that was overtaken can still write.
	Unguarded bool
	// MissBounces (until 2.2, KAFKA-7235): a broker that left and came back between two looks at the list
	// of live brokers is taken for one that was never away.
	MissBounces bool
	// LeadersWriteISR (until 2.7, KIP-497): leaders write the ISR to ZooKeeper themselves and leave notes
	// below /isr_change_notification.
	LeadersWriteISR bool
	// Serial (until 1.1, KAFKA-5642): the controller waits for the answer of each request to ZooKeeper.
	Serial bool
	// OneReassignment (until 2.4, KIP-455): a reassignment is a node below /admin that nobody may change
	// before it is done.
	OneReassignment bool
	// NoRecoveryState (until 3.2, KIP-704): states do not say that the leader was elected uncleanly.
	NoRecoveryState bool
}
