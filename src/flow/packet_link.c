/* Link layers: from the start of a frame to its outermost IP header.
 * Each step looks at one header, moves the layer behind it and says what comes next: a payload
 * named by EtherType, by PPP protocol, by LLC, a whole frame of another link type, or IP whose
 * version is in its first four bits. The walk ends at IP, at something else, or after STEPS_MAX
 * headers.
 *
 * Numbers: LINKTYPE_ from tcpdump.org/linktypes.html, EtherTypes from IEEE and IANA, PPP protocols
 * from IANA (RFC 1661), SNAP from RFC 1042, frame relay from RFC 2427. */
#include "flow/packet.h"
#include "flow/packet_priv.h"

#define STEPS_MAX 32 /* headers between the start of a frame and IP */

enum next {
	NEXT_NONE,
	NEXT_ETHERTYPE,
	NEXT_PPP,
	NEXT_LLC,
	NEXT_SNAP,
	NEXT_MPLS,
	NEXT_LINK,
	NEXT_IP, /* IPv4 or IPv6 by the version */
};

struct step {
	enum next next;
	uint32_t value; /* EtherType, link type */
};

static const struct step step_none = {NEXT_NONE, 0};

static struct step skip_to(
	struct packet_layer *layer, uint32_t header, enum next next, uint32_t value)
{
	return packet_layer_skip(layer, header) ? (struct step){next, value} : step_none;
}

/* The header ends with an EtherType. */
static struct step skip_to_ethertype(struct packet_layer *layer, uint32_t header)
{
	if (layer->captured < header)
		return step_none;
	return skip_to(layer, header, NEXT_ETHERTYPE, packet_be16(layer->p + header - 2));
}

/* Cisco's Inter-Switch Link puts 26 bytes with a group address of its own in front of a frame. */
static bool is_isl(const struct packet_layer *layer)
{
	return layer->captured >= 26 && (layer->p[0] & 0xfd) == 0x01 &&
	       memcmp(layer->p + 1, "\x00\x0c\x00\x00", 4) == 0 &&
	       packet_be16(layer->p + 12) <= 1500;
}

static struct step from_ethernet(struct packet_layer *layer)
{
	if (is_isl(layer))
		return skip_to(layer, 26, NEXT_LINK, LINK_TYPE_ETHERNET);
	return skip_to_ethertype(layer, 14);
}

/* MACsec (IEEE 802.1AE) that is only signed can be read. */
static struct step from_macsec(struct packet_layer *layer)
{
	if (layer->captured < 6 || (layer->p[0] & 0x0c))
		return step_none;
	return skip_to_ethertype(layer, (layer->p[0] & 0x20 ? 14 : 6) + 2);
}

/* Network service header (RFC 8300). */
static struct step from_nsh(struct packet_layer *layer)
{
	if (layer->captured < 8)
		return step_none;
	uint32_t header = (packet_be16(layer->p) & 0x3f) * 4u;
	switch (layer->p[3]) {
	case 1:
	case 2:
		return skip_to(layer, header, NEXT_IP, 0);
	case 3:
		return skip_to(layer, header, NEXT_LINK, LINK_TYPE_ETHERNET);
	case 5:
		return skip_to(layer, header, NEXT_MPLS, 0);
	default:
		return step_none;
	}
}

/* RFC 2516, behind the EtherType. */
static struct step from_pppoe(struct packet_layer *layer)
{
	if (layer->captured < 6 || layer->p[0] != 0x11 || layer->p[1] != 0)
		return step_none;
	return skip_to(layer, 6, NEXT_PPP, 0);
}

/* TRILL (RFC 6325): options in units of four bytes. */
static struct step from_trill(struct packet_layer *layer)
{
	if (layer->captured < 6)
		return step_none;
	uint32_t options = (packet_be16(layer->p) >> 6 & 0x1f) * 4u;
	return skip_to(layer, 6 + options, NEXT_LINK, LINK_TYPE_ETHERNET);
}

static struct step from_ethertype(struct packet_layer *layer, uint32_t type)
{
	switch (type) {
	case ETHERTYPE_VLAN: /* IEEE 802.1Q */
	case 0x88a8:         /* IEEE 802.1ad */
	case 0x9100:         /* QinQ before the standard */
	case 0x8926:         /* Cisco VN-Tag, two bytes longer */
		return skip_to_ethertype(layer, type == 0x8926 ? 6 : 4);
	case 0x893f: /* IEEE 802.1BR E-TAG */
	case 0x8909: /* Cisco MetaData (security group tag) */
		return skip_to_ethertype(layer, 8);
	case 0x892f: /* HSR */
		return skip_to_ethertype(layer, 6);
	case 0x88e7: /* IEEE 802.1ah I-TAG */
		return skip_to(layer, 4, NEXT_LINK, LINK_TYPE_ETHERNET);
	case 0x6558: /* transparent Ethernet bridging */
		return (struct step){NEXT_LINK, LINK_TYPE_ETHERNET};
	case 0x8847:
	case 0x8848:
		return (struct step){NEXT_MPLS, 0};
	case 0x8864:
		return from_pppoe(layer);
	case 0x8903: /* Cisco FabricPath: a tag, then the frame */
		return skip_to(layer, 2, NEXT_LINK, LINK_TYPE_ETHERNET);
	case 0x880b:
		return (struct step){NEXT_PPP, 0};
	case 0x8870: /* LLC in jumbo frames */
		return (struct step){NEXT_LLC, 0};
	case 0x88e5:
		return from_macsec(layer);
	case 0x894f:
		return from_nsh(layer);
	case 0x22f3:
		return from_trill(layer);
	default:
		/* A length (IEEE 802.3), unless it is Novell's frame without LLC. */
		if (type <= 1500 && layer->captured >= 3 && packet_be16(layer->p) != 0xffff)
			return (struct step){NEXT_LLC, 0};
		return step_none;
	}
}

static bool is_bridged_ethertype(uint16_t type)
{
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 || type == ETHERTYPE_VLAN ||
	       type == 0x88a8 || type == 0x0806 || type == 0x8847 || type == 0x8864;
}

/* Labels (RFC 3032) do not say what they carry. IP shows in the first four bits; otherwise it may
 * be an Ethernet pseudowire (RFC 4448), with the control word that begins with four zero bits or
 * without. */
static struct step from_mpls(struct packet_layer *layer)
{
	bool bottom = false;

	while (!bottom) {
		if (layer->captured < 4)
			return step_none;
		bottom = layer->p[2] & 1;
		packet_layer_skip(layer, 4);
	}
	if (layer->captured < 1)
		return step_none;
	uint8_t first = layer->p[0] >> 4;
	if (first == 4 || first == 6)
		return (struct step){NEXT_IP, 0};
	if (first == 0 && layer->captured >= 18 && is_bridged_ethertype(packet_be16(layer->p + 16)))
		return skip_to(layer, 4, NEXT_LINK, LINK_TYPE_ETHERNET);
	if (first != 1 && layer->captured >= 14 && is_bridged_ethertype(packet_be16(layer->p + 12)))
		return (struct step){NEXT_LINK, LINK_TYPE_ETHERNET};
	return step_none;
}

/* Cisco's HDLC turns up where PPP or loopback was announced: unicast or broadcast, then 0. */
static bool is_hdlc(const struct packet_layer *layer)
{
	return layer->captured >= 4 && (layer->p[0] == 0x0f || layer->p[0] == 0x8f) &&
	       layer->p[1] == 0;
}

/* RFC 1661 and 1662: the address and control bytes may be there, the protocol may be one byte. */
static struct step from_ppp(struct packet_layer *layer)
{
	if (layer->captured >= 2 && layer->p[0] == 0xff && layer->p[1] == 0x03)
		packet_layer_skip(layer, 2);
	if (is_hdlc(layer))
		return skip_to_ethertype(layer, 4);
	if (layer->captured < 2)
		return step_none;
	bool short_form = layer->p[0] & 1;
	uint16_t protocol = short_form ? layer->p[0] : packet_be16(layer->p);
	packet_layer_skip(layer, short_form ? 1 : 2);
	switch (protocol) {
	case 0x0021:
		return (struct step){NEXT_ETHERTYPE, ETHERTYPE_IPV4};
	case 0x0057:
		return (struct step){NEXT_ETHERTYPE, ETHERTYPE_IPV6};
	case 0x0281:
	case 0x0283:
		return (struct step){NEXT_MPLS, 0};
	default:
		return step_none;
	}
}

/* Behind the control byte: organisation and its type. */
static struct step from_snap(struct packet_layer *layer)
{
	if (layer->captured < 5)
		return step_none;
	uint32_t organisation = packet_be32(layer->p) >> 8;
	uint16_t type = packet_be16(layer->p + 3);
	packet_layer_skip(layer, 5);
	if (organisation == 0x000000 || organisation == 0x0000f8)
		return (struct step){NEXT_ETHERTYPE, type};
	/* Bridged Ethernet with and without checksum (RFC 2684, RFC 2427). */
	if (organisation == 0x0080c2 && (type == 1 || type == 7))
		return (struct step){NEXT_LINK, LINK_TYPE_ETHERNET};
	return step_none;
}

static struct step from_llc(struct packet_layer *layer)
{
	if (layer->captured < 3)
		return step_none;
	uint8_t service = layer->p[0];
	uint8_t control = layer->p[2];
	/* Only unnumbered frames have one byte of control. */
	packet_layer_skip(layer, (control & 3) == 3 || layer->captured < 4 ? 3 : 4);
	if (service == 0xaa)
		return (struct step){NEXT_SNAP, 0};
	if (service == 0x06)
		return (struct step){NEXT_ETHERTYPE, ETHERTYPE_IPV4};
	return step_none;
}

/* BSD loopback: an address family in the order of the machine that wrote it, or (LOOP) of the
 * network; some writers put an EtherType there, some a family of 16 bits. The numbers of AF_INET6
 * differ between systems. */
static struct step from_loopback(struct packet_layer *layer)
{
	if (layer->captured < 4)
		return step_none;
	if (packet_be16(layer->p) == 0xff03)
		return (struct step){NEXT_PPP, 0};
	if (is_hdlc(layer))
		return skip_to_ethertype(layer, 4);
	uint32_t family = packet_be32(layer->p);
	if (family > 0xffff)
		family = packet_le32(layer->p);
	packet_layer_skip(layer, 4);
	if (family > 1500)
		return (struct step){NEXT_ETHERTYPE, family};
	if ((family & 0xff) == 0)
		family >>= 8;
	switch (family) {
	case 2: /* AF_INET */
		return (struct step){NEXT_IP, 0};
	case 10: /* AF_INET6 of Linux, Windows, the BSDs, macOS */
	case 23:
	case 24:
	case 28:
	case 30:
		return (struct step){NEXT_ETHERTYPE, ETHERTYPE_IPV6};
	default:
		return step_none;
	}
}

static struct step from_frame_relay(struct packet_layer *layer)
{
	uint32_t address = 1;

	while (address <= layer->captured && address < 4 && !(layer->p[address - 1] & 1))
		address++;
	if (!packet_layer_skip(layer, address) || layer->captured < 3)
		return step_none;
	if (layer->p[0] != 0x03) /* Cisco: an EtherType, no control byte */
		return skip_to_ethertype(layer, 2);
	packet_layer_skip(layer, layer->p[1] == 0 ? 2 : 1);
	switch (layer->p[0]) {
	case 0xcc:
		return skip_to(layer, 1, NEXT_ETHERTYPE, ETHERTYPE_IPV4);
	case 0x8e:
		return skip_to(layer, 1, NEXT_ETHERTYPE, ETHERTYPE_IPV6);
	case 0x80:
		return skip_to(layer, 1, NEXT_SNAP, 0);
	default:
		return step_none;
	}
}

/* Linux cooked: the protocol is an EtherType but for a few numbers of <linux/if_ether.h>. */
static struct step from_cooked(
	struct packet_layer *layer, uint32_t header, uint32_t protocol_at, uint32_t hardware_at)
{
	if (layer->captured < header)
		return step_none;
	uint16_t protocol = packet_be16(layer->p + protocol_at);
	uint16_t hardware = packet_be16(layer->p + hardware_at);
	if (hardware == 770) /* ARPHRD_FRAD */
		return skip_to(layer, header, NEXT_LINK, 107);
	if (protocol == 0x0004) /* ETH_P_802_2 */
		return skip_to(layer, header, NEXT_LLC, 0);
	if (protocol <= 1500)
		return step_none;
	return skip_to(layer, header, NEXT_ETHERTYPE, protocol);
}

/* Attributes of netfilter's log; the payload is an IP packet (nfnetlink_log.h). */
static struct step from_nflog(struct packet_layer *layer)
{
	if (!packet_layer_skip(layer, 4))
		return step_none;
	while (layer->captured >= 4) {
		uint16_t length = packet_le16(layer->p);
		uint16_t type = packet_le16(layer->p + 2) & 0x7fff;
		if (type > 0xff) { /* written on a big-endian machine */
			length = packet_be16(layer->p);
			type = packet_be16(layer->p + 2) & 0x7fff;
		}
		if (length < 4)
			return step_none;
		if (type == 9) { /* NFULA_PAYLOAD */
			packet_layer_skip(layer, 4);
			if (layer->captured > length - 4u)
				layer->captured = length - 4u;
			layer->original = length - 4u;
			return (struct step){NEXT_IP, 0};
		}
		if (!packet_layer_skip(layer, (length + 3u) & ~3u))
			return step_none;
	}
	return step_none;
}

/* Apple's header names the link type of what follows (DLT_ numbers of macOS). */
static struct step from_pktap(struct packet_layer *layer)
{
	if (layer->captured < 108)
		return step_none;
	uint32_t header = packet_le32(layer->p);
	uint32_t link_type = packet_le32(layer->p + 8);
	if (header < 108 || packet_le32(layer->p + 4) != 1)
		return step_none;
	return skip_to(layer, header, NEXT_LINK, link_type);
}

/* ARCNET (RFC 1201): a packet may be split into frames; the first has the IP header. */
static struct step from_arcnet(struct packet_layer *layer, uint32_t type_at)
{
	if (layer->captured < type_at + 5)
		return step_none;
	uint8_t type = layer->p[type_at];
	packet_layer_skip(layer, type_at + 1);
	if (type == 240) /* IP of RFC 1051: no split flag */
		return (struct step){NEXT_ETHERTYPE, ETHERTYPE_IPV4};
	if (type != 212 && type != 196)
		return step_none;
	if (layer->p[0] == 0xff)
		packet_layer_skip(layer, 4);
	if (layer->captured < 3 || (layer->p[0] && !(layer->p[0] & 1)))
		return step_none;
	return skip_to(layer, 3, NEXT_ETHERTYPE, type == 212 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
}

static struct step from_token_ring(struct packet_layer *layer)
{
	if (layer->captured < 15 || layer->p[1] >> 6 != 1)
		return step_none;
	uint32_t route = layer->p[8] & 0x80 ? layer->p[14] & 0x1fu : 0;
	return skip_to(layer, 14 + route, NEXT_LLC, 0);
}

/* Juniper's capture header in front of the frame, when that is there. */
static struct step from_juniper(struct packet_layer *layer, uint32_t link_type)
{
	if (layer->captured < 6 || memcmp(layer->p, "MGC", 3) != 0 || (layer->p[3] & 0x02))
		return step_none;
	uint32_t extension = layer->p[3] & 0x80 ? 2u + packet_be16(layer->p + 4) : 0;
	return skip_to(layer, 4 + extension, NEXT_LINK, link_type);
}

/* Endace's extensible record format. */
static struct step from_erf(struct packet_layer *layer)
{
	if (layer->captured < 16)
		return step_none;
	uint8_t type = layer->p[8] & 0x7f;
	bool extension = layer->p[8] & 0x80;
	packet_layer_skip(layer, 16);
	for (int i = 0; extension && i < STEPS_MAX; i++) {
		if (layer->captured < 8)
			return step_none;
		extension = layer->p[0] & 0x80;
		packet_layer_skip(layer, 8);
	}
	switch (type) {
	case 2: /* Ethernet, and with colour or hash in place of the loss counter */
	case 11:
	case 16:
	case 20:
		return skip_to(layer, 2, NEXT_LINK, LINK_TYPE_ETHERNET);
	case 22:
	case 23:
		return (struct step){NEXT_IP, 0};
	default:
		return step_none;
	}
}

/* IEEE 802.11 data frames that are not encrypted. */
static struct step from_wireless(struct packet_layer *layer, bool padded)
{
	if (layer->captured < 24)
		return step_none;
	uint8_t type = layer->p[0];
	uint8_t flags = layer->p[1];
	bool quality = type & 0x80;
	if ((type & 0x0f) != 0x08 || (type & 0x40) || (flags & 0x40))
		return step_none; /* not data, no data, or protected */
	if (packet_le16(layer->p + 22) & 0x0f)
		return step_none; /* a later fragment of a frame */
	uint32_t header = 24 + ((flags & 3) == 3 ? 6 : 0);
	bool aggregate = false;
	if (quality) {
		if (layer->captured < header + 2)
			return step_none;
		aggregate = layer->p[header] & 0x80;
		header += 2 + (flags & 0x80 ? 4 : 0);
	}
	if (padded)
		header = (header + 3) & ~3u;
	/* The first of aggregated packets stands for the frame. */
	return skip_to(layer, header + (aggregate ? 14 : 0), NEXT_LLC, 0);
}

/* radiotap.org: the flags field says whether the frame's header is padded to four bytes. */
static struct step from_radiotap(struct packet_layer *layer)
{
	if (layer->captured < 8 || layer->p[0] != 0)
		return step_none;
	uint32_t header = packet_le16(layer->p + 2);
	uint32_t present = packet_le32(layer->p + 4);
	uint32_t at = 8;
	for (uint32_t more = present; more & 0x80000000 && at + 4 <= layer->captured; at += 4)
		more = packet_le32(layer->p + at);
	if (present & 1) /* 64-bit timer, aligned */
		at = ((at + 7) & ~7u) + 8;
	bool padded = present & 2 && at < header && at < layer->captured && layer->p[at] & 0x20;
	if (header < 8 || !packet_layer_skip(layer, header))
		return step_none;
	return from_wireless(layer, padded);
}

/* Prism and AVS headers share a link type in old captures; AVS begins with its version. */
static struct step from_prism(struct packet_layer *layer)
{
	if (layer->captured < 8)
		return step_none;
	uint32_t header = packet_le32(layer->p + 4);
	if ((packet_be32(layer->p) & 0xfffff000) == 0x80211000 || header > 0xffff)
		header = packet_be32(layer->p + 4);
	if (!packet_layer_skip(layer, header))
		return step_none;
	return from_wireless(layer, false);
}

static struct step from_per_packet_information(struct packet_layer *layer)
{
	if (layer->captured < 8)
		return step_none;
	uint32_t header = packet_le16(layer->p + 2);
	uint32_t link_type = packet_le32(layer->p + 4);
	return header < 8 ? step_none : skip_to(layer, header, NEXT_LINK, link_type);
}

static struct step from_atm(struct packet_layer *layer)
{
	/* SunATM: the low four bits say LLC; then virtual path and channel. */
	if (layer->captured < 4 || (layer->p[0] & 0x0f) != 2)
		return step_none;
	return skip_to(layer, 4, NEXT_LLC, 0);
}

static struct step from_fddi(struct packet_layer *layer)
{
	if (layer->captured < 13 || (layer->p[0] & 0xf8) != 0x50)
		return step_none;
	return skip_to(layer, 13, NEXT_LLC, 0);
}

static struct step from_classical_ip(struct packet_layer *layer)
{
	bool llc = layer->captured >= 3 && memcmp(layer->p, "\xaa\xaa\x03", 3) == 0;
	return (struct step){llc ? NEXT_LLC : NEXT_IP, 0};
}

/* OpenBSD's packet filter: a header as long as its first byte says, padded to four. */
static struct step from_pflog(struct packet_layer *layer)
{
	if (layer->captured < 1 || layer->p[0] < 4)
		return step_none;
	return skip_to(layer, (layer->p[0] + 3u) & ~3u, NEXT_IP, 0);
}

static struct step from_cooked_v1(struct packet_layer *layer)
{
	return from_cooked(layer, 16, 14, 2);
}

static struct step from_cooked_v2(struct packet_layer *layer)
{
	return from_cooked(layer, 20, 0, 8);
}

static struct step from_wireless_plain(struct packet_layer *layer)
{
	return from_wireless(layer, false);
}

static struct step from_arcnet_bsd(struct packet_layer *layer)
{
	return from_arcnet(layer, 2);
}

static struct step from_arcnet_linux(struct packet_layer *layer)
{
	return from_arcnet(layer, 4);
}

static struct step from_juniper_ethernet(struct packet_layer *layer)
{
	return from_juniper(layer, LINK_TYPE_ETHERNET);
}

static struct step from_juniper_ppp(struct packet_layer *layer)
{
	return from_juniper(layer, 9);
}

static struct step from_juniper_frame_relay(struct packet_layer *layer)
{
	return from_juniper(layer, 107);
}

static struct step from_juniper_hdlc(struct packet_layer *layer)
{
	return from_juniper(layer, 104);
}

static struct step from_hdlc(struct packet_layer *layer)
{
	return skip_to_ethertype(layer, 4);
}

static struct step from_firewire(struct packet_layer *layer)
{
	return skip_to_ethertype(layer, 18);
}

/* The direction (0, 1) stands in place of the address byte of PPP. */
static struct step from_ppp_pppd(struct packet_layer *layer)
{
	if (layer->captured >= 2 && layer->p[0] <= 1 && layer->p[1] == 0x03)
		packet_layer_skip(layer, 2);
	return (struct step){NEXT_PPP, 0};
}

/* IP over InfiniBand (RFC 4391): EtherType and two reserved bytes behind a route header. */
static struct step from_infiniband(struct packet_layer *layer)
{
	if (layer->captured < 44)
		return step_none;
	return skip_to(layer, 44, NEXT_ETHERTYPE, packet_be16(layer->p + 40));
}

/* What a frame of each link type begins with: a function, or a header of so many bytes and then
 * next. Rows that are not here have NEXT_NONE. */
struct link_row {
	struct step (*from)(struct packet_layer *layer);
	uint32_t header;
	struct step then;
};

#define LINK_TYPES 320
static const struct link_row link_rows[LINK_TYPES] = {
	[0] = {from_loopback},
	[1] = {from_ethernet},
	[6] = {from_token_ring},
	[7] = {from_arcnet_bsd},
	[9] = {NULL, 0, {NEXT_PPP}},
	[10] = {from_fddi},
	[11] = {NULL, 0, {NEXT_LLC}}, /* ATM, RFC 1483 */
	[12] = {NULL, 0, {NEXT_IP}},  /* raw IP as some systems number it */
	[14] = {NULL, 0, {NEXT_IP}},
	[50] = {NULL, 0, {NEXT_PPP}}, /* PPP in HDLC */
	[51] = {from_pppoe},
	[100] = {NULL, 0, {NEXT_LLC}},
	[101] = {NULL, 0, {NEXT_IP}},
	[104] = {from_hdlc},
	[105] = {from_wireless_plain},
	[106] = {from_classical_ip},
	[107] = {from_frame_relay},
	[108] = {from_loopback},
	[109] = {NULL, 12, {NEXT_IP}}, /* OpenBSD enc */
	[113] = {from_cooked_v1},
	[117] = {from_pflog},
	[119] = {from_prism},
	[122] = {NULL, 16, {NEXT_LLC}}, /* IP over Fibre Channel, RFC 2625 */
	[123] = {from_atm},
	[127] = {from_radiotap},
	[129] = {from_arcnet_linux},
	[138] = {from_firewire},
	[149] = {from_pktap}, /* USER2, which older macOS used for it */
	[163] = {from_prism},
	[166] = {from_ppp_pppd},
	[178] = {from_juniper_ethernet},
	[179] = {from_juniper_ppp},
	[180] = {from_juniper_frame_relay},
	[181] = {from_juniper_hdlc},
	[192] = {from_per_packet_information},
	[197] = {from_erf},
	[204] = {NULL, 1, {NEXT_PPP}}, /* with the direction in front */
	[205] = {NULL, 1, {NEXT_LINK, 104}},
	[206] = {NULL, 1, {NEXT_LINK, 107}},
	[219] = {NULL, 0, {NEXT_MPLS}},
	[226] = {NULL, 24, {NEXT_IP}}, /* Solaris ipnet */
	[228] = {NULL, 0, {NEXT_ETHERTYPE, ETHERTYPE_IPV4}},
	[229] = {NULL, 0, {NEXT_ETHERTYPE, ETHERTYPE_IPV6}},
	[239] = {from_nflog},
	[240] = {NULL, 4, {NEXT_LINK, 1}},  /* netANALYZER */
	[241] = {NULL, 12, {NEXT_LINK, 1}}, /* with the preamble */
	[242] = {from_infiniband},
	[258] = {from_pktap},
	[274] = {NULL, 8, {NEXT_LINK, 1}}, /* IEEE 802.3br with the preamble */
	[276] = {from_cooked_v2},
};

bool flow_packet_link_type_known(uint32_t link_type)
{
	return link_type < LINK_TYPES &&
	       (link_rows[link_type].from || link_rows[link_type].then.next != NEXT_NONE);
}

static struct step from_link(struct packet_layer *layer, uint32_t link_type)
{
	if (link_type >= LINK_TYPES)
		return step_none;
	const struct link_row *row = &link_rows[link_type];
	if (row->from)
		return row->from(layer);
	return packet_layer_skip(layer, row->header) ? row->then : step_none;
}

uint16_t packet_link_find_ip(uint32_t link_type, struct packet_layer *layer)
{
	struct step step = {NEXT_LINK, link_type};

	for (int i = 0; i < STEPS_MAX; i++) {
		switch (step.next) {
		case NEXT_NONE:
			return 0;
		case NEXT_IP:
			if (layer->captured < 1)
				return 0;
			if (layer->p[0] >> 4 == 6)
				return ETHERTYPE_IPV6;
			return layer->p[0] >> 4 == 4 ? ETHERTYPE_IPV4 : 0;
		case NEXT_ETHERTYPE:
			if (step.value == ETHERTYPE_IPV4 || step.value == ETHERTYPE_IPV6)
				return (uint16_t)step.value;
			step = from_ethertype(layer, step.value);
			break;
		case NEXT_PPP:
			step = from_ppp(layer);
			break;
		case NEXT_LLC:
			step = from_llc(layer);
			break;
		case NEXT_SNAP:
			step = from_snap(layer);
			break;
		case NEXT_MPLS:
			step = from_mpls(layer);
			break;
		case NEXT_LINK:
			step = from_link(layer, step.value);
			break;
		}
	}
	return 0;
}
