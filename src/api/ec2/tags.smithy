$version: "2"

namespace nagare.ec2

operation CreateTags {
	input := {
		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("ResourceId")
		@required
		Resources: ResourceIdList

		@xmlName("Tag")
		@required
		Tags: TagList
	}
	output := {
		@xmlName("return")
		Return: Boolean
	}
}

operation DeleteTags {
	input := {
		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("resourceId")
		@required
		Resources: ResourceIdList

		@xmlName("tag")
		Tags: TagList
	}
	output := {
		@xmlName("return")
		Return: Boolean
	}
}

operation DescribeTags {
	input := {
		@xmlName("dryRun")
		DryRun: Boolean

		@xmlName("Filter")
		Filters: FilterList

		@xmlName("maxResults")
		MaxResults: Integer

		@xmlName("nextToken")
		NextToken: String
	}
	output := {
		@xmlName("nextToken")
		NextToken: String

		@xmlName("tagSet")
		Tags: TagDescriptionList
	}
}

list ResourceIdList {
	member: String
}

list TagDescriptionList {
	@xmlName("item")
	member: TagDescription
}

structure TagDescription {
	@xmlName("key")
	Key: String

	@xmlName("resourceId")
	ResourceId: String

	@xmlName("resourceType")
	ResourceType: String

	@xmlName("value")
	Value: String
}
