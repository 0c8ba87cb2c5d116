$version: "2"

namespace nagare.iam

operation CreateOpenIDConnectProvider {
	input := {
		@required Url: OpenIDConnectProviderUrl
		ClientIDList: ClientIDList
		ThumbprintList: ThumbprintList
		Tags: TagList
	}
	output := {
		OpenIDConnectProviderArn: Arn
		Tags: TagList
	}
}

operation GetOpenIDConnectProvider {
	input := {
		@required OpenIDConnectProviderArn: Arn
	}
	output := {
		Url: OpenIDConnectProviderUrl
		ClientIDList: ClientIDList
		ThumbprintList: ThumbprintList
		CreateDate: Timestamp
		Tags: TagList
	}
}

operation ListOpenIDConnectProviders {
	input := {}
	output := {
		OpenIDConnectProviderList: OpenIDConnectProviderList
	}
}

operation DeleteOpenIDConnectProvider {
	input := {
		@required OpenIDConnectProviderArn: Arn
	}
}

operation UpdateOpenIDConnectProviderThumbprint {
	input := {
		@required OpenIDConnectProviderArn: Arn
		@required ThumbprintList: ThumbprintList
	}
}

operation AddClientIDToOpenIDConnectProvider {
	input := {
		@required OpenIDConnectProviderArn: Arn
		@required ClientID: ClientID
	}
}

operation RemoveClientIDFromOpenIDConnectProvider {
	input := {
		@required OpenIDConnectProviderArn: Arn
		@required ClientID: ClientID
	}
}

operation TagOpenIDConnectProvider {
	input := {
		@required OpenIDConnectProviderArn: Arn
		@required Tags: TagList
	}
}

operation UntagOpenIDConnectProvider {
	input := {
		@required OpenIDConnectProviderArn: Arn
		@required TagKeys: TagKeyList
	}
}

operation ListOpenIDConnectProviderTags {
	input := with [PageInput] {
		@required OpenIDConnectProviderArn: Arn
	}
	output := with [PageOutput] {
		@required Tags: TagList
	}
}

@length(min: 1, max: 255)
string OpenIDConnectProviderUrl

@length(min: 1, max: 255)
string ClientID

list ClientIDList {
	member: ClientID
}

@length(min: 40, max: 40)
string Thumbprint

list ThumbprintList {
	member: Thumbprint
}

structure OpenIDConnectProviderListEntry {
	Arn: Arn
}

list OpenIDConnectProviderList {
	member: OpenIDConnectProviderListEntry
}
