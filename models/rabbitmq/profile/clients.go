package profile

import "github.com/mqsim/mqsim/models"

var producerRows = []models.Setting{
	{Name: "confirms", Kind: models.KindBool, Defaults: from("true"), Effect: true, Source: srcConfirms,
		Doc: "Publisher confirms (confirm.select); mqsim's producers use them, the libraries do not by default.", DocZH: "发布确认（confirm.select）；mqsim 默认开启，客户端库默认关闭。"},
	{Name: "mandatory", Kind: models.KindBool, Defaults: from("false"), Effect: true, Source: srcPublish,
		Doc: "A message that matches no queue is returned before it is acknowledged.", DocZH: "无法路由的消息先退回再确认。"},
	{Name: "delivery_mode", Kind: models.KindInt, Min: 1, Max: 2, Defaults: from("2"), Effect: true, Source: srcPublish,
		Doc: "1 = transient, 2 = persistent; mqsim's messages are persistent, those of the libraries are not by default.", DocZH: "1 非持久，2 持久；mqsim 默认持久，客户端库默认非持久。"},
	{Name: "heartbeat", Kind: models.KindSeconds, Max: 65535, Fallback: "broker/heartbeat", Defaults: from("580", "3.5.5", "60"), Effect: true, Source: "heartbeats.md",
		Doc: "Heartbeat that the client asks for; 0 = none. A connection is given up after twice this long.", DocZH: "客户端请求的心跳；0 为关闭。两倍时间后断开。"},
}

var consumerRows = []models.Setting{
	{Name: "prefetch", Kind: models.KindInt, Max: 65535, Defaults: from("0"), Effect: true, Source: "consumer-prefetch.md",
		Doc: "Deliveries without an acknowledgement (basic.qos); 0 = no limit.", DocZH: "未确认投递数上限（basic.qos）；0 为不限。"},
	{Name: "heartbeat", Kind: models.KindSeconds, Max: 65535, Fallback: "broker/heartbeat", Defaults: from("580", "3.5.5", "60"), Effect: true, Source: "heartbeats.md",
		Doc: "Heartbeat that the client asks for; 0 = none. A connection is given up after twice this long.", DocZH: "客户端请求的心跳；0 为关闭。两倍时间后断开。"},
	{Name: "x-priority", Kind: models.KindInt, Min: -1 << 31, Defaults: from("0"), Effect: true, Source: "consumer-priority.md",
		Doc: "Consumers of a higher priority get messages first.", DocZH: "优先级高的消费者先得到消息。"},
	{Name: "x-cancel-on-ha-failover", Kind: models.KindBool, Defaults: from("false"), Until: "4.0", Effect: true, Source: srcHA,
		Doc: "The consumer is cancelled at a promotion instead of moving along silently.", DocZH: "升主时取消消费者，而不是静默迁移。"},
}
