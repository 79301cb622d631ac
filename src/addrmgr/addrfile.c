#include <config.h>

#include "addrmgr/addrfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/netaddr_io.h"

enum { MAX_ADDR_BYTES = 512 };

/* The version of a stored address: the low bits are those of a release and
 * mean nothing; of the others only one may be set. */
#define VERSION_LOW_BITS UINT32_C(0x0007ffff)
#define VERSION_RELEASE  UINT32_C(220000)
#define VERSION_ADDRV2   (UINT32_C(1) << 29)

static const char field_version[] = "address version";
static const char field_length[] = "address length";

/* ---- writing --------------------------------------------------------- */

void ptd_write_disk_host(struct ptd_writer *w, const struct ptd_netaddr *na)
{
    static const uint8_t zeros[16];
    size_t n = ptd_net_addr_bytes(na->net);

    if (n == 0) {
        ptd_write_u8(w, PTD_NET_IPV6);
        ptd_write_varint(w, sizeof zeros);
        ptd_write_raw(w, zeros, sizeof zeros);
        return;
    }
    ptd_write_u8(w, na->net);
    ptd_write_varint(w, n);
    ptd_write_raw(w, na->addr, n);
}

void ptd_write_disk_address(struct ptd_writer *w,
                            const struct ptd_addr_entry *e)
{
    ptd_write_u32(w, VERSION_RELEASE | VERSION_ADDRV2);
    ptd_write_u32(w, e->time);
    ptd_write_varint(w, e->services);
    ptd_write_disk_host(w, &e->na);
    ptd_write_u16be(w, e->na.port);
}

/* ---- reading --------------------------------------------------------- */

/* What has a network of its own is nothing inside an IPv6 address. */
static void refuse_embedded(struct ptd_netaddr *na)
{
    struct ptd_netaddr inner;

    if (na->net != PTD_NET_IPV6)
        return;
    ptd_netaddr_from_ip16(&inner, na->addr, 0);
    if (inner.net != PTD_NET_IPV6)
        *na = (struct ptd_netaddr){ 0 };
}

static void read_v2_host(struct ptd_reader *r, struct ptd_netaddr *na)
{
    uint8_t net = ptd_read_u8(r, "network");
    struct ptd_bytes b = ptd_read_var_bytes(r, "address", MAX_ADDR_BYTES);
    size_t want = ptd_net_addr_bytes(net);

    *na = (struct ptd_netaddr){ 0 };
    /* Networks of the past and the future are skipped, whatever the length. */
    if (r->err != PTD_OK || want == 0 || net == PTD_NET_TORV2)
        return;
    if (ptd_netaddr_set(na, net, b.p, b.n, 0) != PTD_OK)
        ptd_reader_fail(r, PTD_EBADVALUE, field_length, b.n, want);
    refuse_embedded(na);
}

static void read_v1_host(struct ptd_reader *r, struct ptd_netaddr *na)
{
    uint8_t ip[16];

    ptd_read_copy(r, ip, sizeof ip, "address");
    ptd_netaddr_from_ip16(na, ip, 0);
    if (na->net == PTD_NET_TORV2)
        *na = (struct ptd_netaddr){ 0 };
}

void ptd_read_disk_host(struct ptd_reader *r, struct ptd_netaddr *na,
                        enum ptd_addrfile_form form)
{
    if (form == PTD_ADDRFILE_V2)
        read_v2_host(r, na);
    else
        read_v1_host(r, na);
}

void ptd_read_disk_address(struct ptd_reader *r, struct ptd_addr_entry *e,
                           enum ptd_addrfile_form form)
{
    uint32_t version = ptd_read_u32(r, field_version) & ~VERSION_LOW_BITS;

    if (version != 0 && (version != VERSION_ADDRV2 || form == PTD_ADDRFILE_V1))
        ptd_reader_fail(r, PTD_EBADVALUE, field_version, version, 0);
    form = version == VERSION_ADDRV2 ? PTD_ADDRFILE_V2 : PTD_ADDRFILE_V1;
    e->time = ptd_read_u32(r, "time");
    e->services = form == PTD_ADDRFILE_V2 ? ptd_read_varint(r, "services")
                                          : ptd_read_u64(r, "services");
    ptd_read_disk_host(r, &e->na, form);
    e->na.port = ptd_read_u16be(r, "port");
}

const char *ptd_addrfile_why(char *why, size_t cap, const struct ptd_reader *r)
{
    /* ": iostream error" is what the C++ library adds; scripts look for it. */
    if (r->err == PTD_ESHORT)
        snprintf(why, cap, "AutoFile::read: end of file: iostream error");
    else if (r->err == PTD_ENONCANON)
        snprintf(why, cap, "non-canonical ReadCompactSize(): iostream error");
    else if (r->err == PTD_ETOOBIG)
        snprintf(why, cap,
                 "Address too long: %" PRIu64 " > %" PRIu64 ": iostream error",
                 r->got, r->limit);
    else if (r->field == field_length)
        snprintf(why, cap,
                 "BIP155 address with length %" PRIu64 " (should be %" PRIu64
                 "): iostream error",
                 r->got, r->limit);
    else if (r->field == field_version)
        snprintf(why, cap,
                 "Unsupported CAddress disk format version: iostream error");
    else
        snprintf(why, cap, "%s: %s", r->field, ptd_err_text(r->err));
    return why;
}
